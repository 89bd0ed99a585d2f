"""Schemas of the custom resources that are rendered: the fields that Mainstay uses, as their projects document them.

Kinds that operators bring are unknown to the schemas of Kubernetes. A field that is not listed here fails, so that a
misspelt one cannot hide; who begins to use a further field adds it here after looking it up.

Sources: cert-manager.io/docs/reference/api-docs, prometheus-operator.dev/docs/api-reference/api,
gateway-api.sigs.k8s.io/reference/spec, cloudnative-pg.io/documentation/current/cloudnative-pg.v1,
external-secrets.io/latest/api/spec, kyverno.io/docs/policy-types/validating-policy.
"""

TEXT = {"type": "string", "minLength": 1}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "maxLength": 253}
FLAG = {"type": "boolean"}
LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
# Go's time.ParseDuration, as cert-manager and the External Secrets Operator read it
GO_DURATION = {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h))+$"}
# Prometheus' own durations
DURATION = {
    "type": "string",
    "pattern": "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$",
}
# the Gateway API's, GEP-2257
ROUTE_DURATION = {"type": "string", "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
QUANTITY = {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}


def table(required=(), **properties):
    """An object with these fields and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def some(item, **more):
    """A list."""
    return {"type": "array", "items": item, "minItems": 1, **more}


def one_of(*values):
    """One of some texts."""
    return {"enum": list(values)}


def resource(spec, namespaced=True):
    """A whole object."""
    meta = table(["name", "labels"], name=NAME, namespace=NAME, labels=LABELS, annotations=LABELS)
    if namespaced:
        meta["required"].append("namespace")
    else:
        del meta["properties"]["namespace"]
    return table(["apiVersion", "kind", "metadata", "spec"], apiVersion=TEXT, kind=TEXT, metadata=meta, spec=spec)


ISSUER_REF = table(["name"], name=NAME, kind=one_of("Issuer", "ClusterIssuer"), group={"const": "cert-manager.io"})

CERTIFICATE = table(
    ["secretName", "issuerRef"],
    secretName=NAME,
    issuerRef=ISSUER_REF,
    commonName={"type": "string", "maxLength": 64},
    isCA=FLAG,
    dnsNames=some(TEXT, uniqueItems=True),
    duration=GO_DURATION,
    renewBefore=GO_DURATION,
    usages=some(one_of("digital signature", "key encipherment", "server auth", "client auth", "cert sign", "crl sign")),
    privateKey=table(
        algorithm=one_of("RSA", "ECDSA", "Ed25519"),
        size=one_of(256, 384, 521, 2048, 3072, 4096),
        rotationPolicy=one_of("Always", "Never"),
    ),
)
# a certificate is for something
CERTIFICATE["anyOf"] = [{"required": ["dnsNames"]}, {"required": ["commonName"]}]

ISSUER = {
    **table(
        selfSigned={"type": "object", "maxProperties": 0},
        ca=table(["secretName"], secretName=NAME),
        acme=table(
            ["server", "privateKeySecretRef", "solvers"],
            server={"type": "string", "pattern": "^https://"},
            email=TEXT,
            privateKeySecretRef=table(["name"], name=NAME),
            solvers=some(
                {
                    **table(
                        http01={
                            **table(
                                ingress=table(
                                    ingressClassName=NAME,
                                    name=NAME,
                                    podTemplate={"type": "object"},
                                    serviceType=one_of("ClusterIP", "NodePort"),
                                ),
                                gatewayHTTPRoute=table(
                                    ["parentRefs"],
                                    labels=LABELS,
                                    serviceType=one_of("ClusterIP", "NodePort"),
                                    parentRefs=some(table(["name"], name=NAME, namespace=NAME)),
                                ),
                            ),
                            "minProperties": 1,
                            "maxProperties": 1,
                        },
                    ),
                    "minProperties": 1,
                }
            ),
        ),
    ),
    "minProperties": 1,
    "maxProperties": 1,
}

RELABELING = table(
    sourceLabels=some(TEXT),
    targetLabel=TEXT,
    regex=TEXT,
    replacement={"type": "string"},
    action=one_of("replace", "keep", "drop", "labeldrop", "labelkeep", "labelmap"),
)

SERVICE_MONITOR = table(
    ["selector", "endpoints"],
    selector=table(matchLabels={**LABELS, "minProperties": 1}),
    namespaceSelector=table(matchNames=some(NAME)),
    jobLabel=TEXT,
    endpoints=some(
        table(
            ["port"],
            port=NAME,
            path={"type": "string", "pattern": "^/"},
            scheme=one_of("http", "https"),
            interval=DURATION,
            scrapeTimeout=DURATION,
            honorLabels=FLAG,
            relabelings=some(RELABELING),
            metricRelabelings=some(RELABELING),
        )
    ),
)

PROMETHEUS_RULE = table(
    ["groups"],
    groups=some(
        table(
            ["name", "rules"],
            name=TEXT,
            interval=DURATION,
            rules=some(
                {
                    **table(
                        ["expr"],
                        expr=TEXT,
                        record={"type": "string", "pattern": "^[a-zA-Z_:][a-zA-Z0-9_:]*$"},
                        alert=TEXT,
                        labels=LABELS,
                        annotations=LABELS,
                        **{"for": DURATION, "keep_firing_for": DURATION},
                    ),
                    "oneOf": [{"required": ["record"]}, {"required": ["alert"]}],
                }
            ),
        )
    ),
)

HTTP_ROUTE = table(
    ["parentRefs", "rules"],
    parentRefs=some(table(["name"], name=NAME, namespace=NAME, sectionName=NAME, port=PORT)),
    hostnames=some({"type": "string", "pattern": "^(\\*\\.)?[a-z0-9][-a-z0-9]*(\\.[a-z0-9][-a-z0-9]*)*$"}),
    rules=some(
        table(
            ["backendRefs"],
            matches=some(
                table(
                    path=table(
                        type=one_of("Exact", "PathPrefix", "RegularExpression"),
                        value={"type": "string", "pattern": "^/"},
                    )
                )
            ),
            backendRefs=some(table(["name", "port"], name=NAME, port=PORT, weight={"type": "integer"})),
            timeouts=table(request=ROUTE_DURATION, backendRequest=ROUTE_DURATION),
        ),
        maxItems=16,
    ),
)

CLUSTER = table(
    ["instances", "storage"],
    instances={"type": "integer", "minimum": 1},
    imageName=TEXT,
    imagePullPolicy=one_of("Always", "IfNotPresent", "Never"),
    imagePullSecrets=some(table(["name"], name=NAME)),
    primaryUpdateStrategy=one_of("unsupervised", "supervised"),
    enableSuperuserAccess=FLAG,
    superuserSecret=table(["name"], name=NAME),
    bootstrap={
        **table(
            initdb=table(
                database=TEXT, owner=TEXT, secret=table(["name"], name=NAME), dataChecksums=FLAG, encoding=TEXT,
            )
        ),
        "minProperties": 1,
        "maxProperties": 1,
    },
    storage=table(size=QUANTITY, storageClass=NAME, resizeInUseVolumes=FLAG),
    resources=table(
        requests={"type": "object", "additionalProperties": QUANTITY},
        limits={"type": "object", "additionalProperties": QUANTITY},
    ),
    affinity=table(enablePodAntiAffinity=FLAG, topologyKey=TEXT, podAntiAffinityType=one_of("preferred", "required")),
    enablePDB=FLAG,
    priorityClassName=NAME,
    monitoring=table(enablePodMonitor=FLAG),
    postgresql=table(parameters=LABELS),
    managed=table(roles=some({"type": "object"})),
    seccompProfile=table(["type"], type=one_of("RuntimeDefault", "Localhost", "Unconfined")),
)

EXTERNAL_SECRET = table(
    ["secretStoreRef", "target"],
    refreshInterval=GO_DURATION,
    secretStoreRef=table(["name"], name=NAME, kind=one_of("SecretStore", "ClusterSecretStore")),
    target=table(
        name=NAME,
        creationPolicy=one_of("Owner", "Orphan", "Merge", "None"),
        deletionPolicy=one_of("Retain", "Delete", "Merge"),
        template=table(
            type=TEXT, data=LABELS, metadata=table(labels=LABELS, annotations=LABELS), engineVersion=one_of("v2"),
        ),
    ),
    data=some(
        table(
            ["secretKey", "remoteRef"],
            secretKey={"type": "string", "pattern": "^[-._a-zA-Z0-9]+$", "maxLength": 253},
            remoteRef=table(["key"], key=TEXT, property=TEXT, version=TEXT),
        )
    ),
    dataFrom=some(table(["extract"], extract=table(["key"], key=TEXT, property=TEXT, version=TEXT))),
)

VALIDATING_POLICY = table(
    ["matchConstraints", "validations"],
    validationActions=some(one_of("Deny", "Audit", "Warn")),
    failurePolicy=one_of("Fail", "Ignore"),
    matchConstraints=table(
        ["resourceRules"],
        namespaceSelector=table(matchLabels=LABELS),
        resourceRules=some(
            table(
                ["apiGroups", "apiVersions", "operations", "resources"],
                apiGroups=some({"type": "string"}),
                apiVersions=some(TEXT),
                operations=some(one_of("CREATE", "UPDATE", "DELETE", "CONNECT", "*")),
                resources=some(TEXT),
            )
        ),
    ),
    variables={"type": "array", "items": table(["name", "expression"], name=TEXT, expression=TEXT)},
    validations=some(table(["expression"], expression=TEXT, message=TEXT, messageExpression=TEXT)),
)

# (apiVersion, kind) to schema
SCHEMAS = {
    ("cert-manager.io/v1", "Certificate"): resource(CERTIFICATE),
    ("cert-manager.io/v1", "Issuer"): resource(ISSUER),
    ("monitoring.coreos.com/v1", "ServiceMonitor"): resource(SERVICE_MONITOR),
    ("monitoring.coreos.com/v1", "PrometheusRule"): resource(PROMETHEUS_RULE),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): resource(HTTP_ROUTE),
    ("postgresql.cnpg.io/v1", "Cluster"): resource(CLUSTER),
    ("external-secrets.io/v1", "ExternalSecret"): resource(EXTERNAL_SECRET),
    ("policies.kyverno.io/v1", "ValidatingPolicy"): resource(VALIDATING_POLICY, namespaced=False),
}
