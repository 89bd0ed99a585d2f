//! `[tls]`.

use super::kubernetes::choice;

choice! {
    /// Where the certificate comes from.
    TlsMode {
        /// No TLS of ours: HTTP, or TLS ends in front of the cluster.
        Off = "off",
        /// `mainstay deploy` makes key, request and certificate and keeps them in a Secret; or the files are given.
        Manual = "manual",
        /// cert-manager: an Issuer and a Certificate.
        Issuer = "issuer",
        /// cert-manager: an Issuer, and its annotation on the Ingress.
        Annotation = "annotation",
    }
}

choice! {
    /// What kind of Issuer is rendered.
    IssuerType {
        /// A certificate authority of the project's own, signed by itself.
        SelfSigned = "self-signed",
        /// An ACME server such as Let's Encrypt.
        Acme = "acme",
        /// None: the Issuer is there already.
        Existing = "existing",
    }
}

mainstay_kernel::section! {
    /// TLS on the cluster. At the Ingress when there is one, else at the gateway itself.
    pub struct Tls in "tls" {
        /// `off`, `manual`, `issuer` or `annotation`.
        pub mode: TlsMode = TlsMode::Off,
        /// Secret with the certificate; `<project>-tls` when unset.
        pub secret_name: Option<String> = None,
        /// Name of the Issuer; `<project>-issuer` when unset.
        pub issuer_name: Option<String> = None,
        /// `Issuer` or `ClusterIssuer`.
        pub issuer_kind: String = "Issuer".into(),
        /// `self-signed`, `acme` or `existing`.
        pub issuer_type: IssuerType = IssuerType::SelfSigned,
        /// Address that the ACME server writes to.
        pub acme_email: Option<String> = None,
        /// Directory URL of the ACME server.
        pub acme_server: String = "https://acme-v02.api.letsencrypt.org/directory".into(),
        /// Life of a certificate that cert-manager asks for, in hours.
        pub duration_hours: u32 = 2160,
        /// How long before its end it is renewed, in hours.
        pub renew_before_hours: u32 = 720,
    }
    validate(this) {
        if !["Issuer", "ClusterIssuer"].contains(&this.issuer_kind.as_str()) {
            return Err(("issuer_kind", "is Issuer or ClusterIssuer".into()));
        }
        if this.issuer_kind == "ClusterIssuer" && this.issuer_type != IssuerType::Existing && this.mode != TlsMode::Off {
            return Err(("issuer_kind", "a ClusterIssuer belongs to the whole cluster and is not rendered; set issuer_type = \"existing\"".into()));
        }
        if this.issuer_type == IssuerType::Acme && this.acme_email.is_none() {
            return Err(("acme_email", "an ACME server wants an address to write to before a certificate ends".into()));
        }
        if this.renew_before_hours >= this.duration_hours {
            return Err(("renew_before_hours", "must be shorter than duration_hours".into()));
        }
        Ok(())
    }
}
