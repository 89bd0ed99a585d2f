//! Who is on the other end, and over which scheme. Only trusted proxies are believed.

use http::HeaderMap;
use mainstay_kernel::http::{Networks, Scheme, client_address};
use std::net::{IpAddr, Ipv6Addr};

/// The proxies in front of us.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(pub(crate) Networks);

/// Whether what the peer says about others is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The peer is a trusted proxy.
    Proxy,
    /// The peer speaks for itself.
    Stranger,
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) client: IpAddr,
    pub(crate) scheme: Scheme,
    pub(crate) trust: Trust,
}

/// Works out the origin of a request.
pub(crate) fn origin(proxies: &Proxies, peer: IpAddr, scheme: Scheme, headers: &HeaderMap) -> Origin {
    if !proxies.0.contains(peer) {
        return Origin { client: peer.to_canonical(), scheme, trust: Trust::Stranger };
    }
    let scheme = match headers.get("x-forwarded-proto").map(http::HeaderValue::as_bytes) {
        Some(b"https") => Scheme::Https,
        Some(b"http") => Scheme::Http,
        _ => scheme,
    };
    Origin { client: client_address(peer, headers, &proxies.0), scheme, trust: Trust::Proxy }
}

/// What counts as one client: an IPv4 address, or an IPv6 /64, which one household or machine owns whole.
pub(crate) fn client_group(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_and_client_are_taken_from_trusted_proxies_only() {
        let proxies = Proxies(Networks::parse(&["10.0.0.0/8"]).unwrap());
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "198.51.100.7".parse().unwrap());
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        let seen = |peer: &str| origin(&proxies, peer.parse().unwrap(), Scheme::Http, &headers);
        assert_eq!(
            seen("10.1.1.1"),
            Origin { client: "198.51.100.7".parse().unwrap(), scheme: Scheme::Https, trust: Trust::Proxy }
        );
        assert_eq!(
            seen("203.0.113.5"),
            Origin { client: "203.0.113.5".parse().unwrap(), scheme: Scheme::Http, trust: Trust::Stranger }
        );
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let group = |text: &str| client_group(text.parse().unwrap()).to_string();
        assert_eq!(group("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(group("192.0.2.1"), "192.0.2.1");
    }
}
