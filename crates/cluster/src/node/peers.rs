//! Which Services an environment value names, and the value with other addresses
//! in their place. Pure: the caller knows the Services and makes the edges.

use std::ops::Range;

/// A port of a Service that a value names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Peer {
    /// The Service's namespace.
    pub(crate) namespace: String,
    /// The Service's name.
    pub(crate) service: String,
    /// The port that is called, as the value says or implies.
    pub(crate) port: u16,
}

/// What exists.
pub(crate) trait Services {
    /// The ports of a Service, in its own order; `None` where there is no such Service.
    fn ports(&self, namespace: &str, service: &str) -> Option<Vec<u16>>;
}

/// A Service named somewhere in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// The bytes of the value that hold the host and, if there, its port.
    pub(crate) span: Range<usize>,
    /// Whom they name.
    pub(crate) peer: Peer,
    /// Whether the value is the host alone, so that a port may stand in a
    /// variable of its own.
    pub(crate) bare: bool,
}

/// Endings of variables whose bare value is a host. Anything else that happens
/// to be called as a Service is (a user, a database) is no address.
const HOST_ENDINGS: [&str; 8] = [
    "HOST", "HOSTNAME", "ADDR", "ADDRESS", "ENDPOINT", "SERVER", "URL", "URI",
];

/// The Services that the value of the variable `name` names, seen from `namespace`.
pub(crate) fn mentions(
    name: &str,
    value: &str,
    namespace: &str,
    services: &dyn Services,
) -> Vec<Mention> {
    if let Some(peer) = resolve(value, None, None, namespace, services) {
        let host_like = name
            .rsplit('_')
            .next()
            .is_some_and(|last| HOST_ENDINGS.contains(&last.to_ascii_uppercase().as_str()));
        return if host_like {
            vec![Mention {
                span: 0..value.len(),
                peer,
                bare: true,
            }]
        } else {
            Vec::new()
        };
    }
    candidates(value)
        .into_iter()
        .filter_map(|candidate| {
            let peer = resolve(
                &value[candidate.host.clone()],
                candidate.port,
                candidate.scheme.map(|scheme| &value[scheme]),
                namespace,
                services,
            )?;
            Some(Mention {
                span: candidate.host.start..candidate.end,
                peer,
                bare: false,
            })
        })
        .collect()
}

/// `value` with each mention replaced by what `with` gives for it.
pub(crate) fn rewrite(
    value: &str,
    mentions: &[Mention],
    mut with: impl FnMut(&Mention) -> Option<String>,
) -> String {
    let mut out = String::with_capacity(value.len());
    let mut done = 0;
    for mention in mentions {
        out.push_str(&value[done..mention.span.start]);
        match with(mention) {
            Some(text) => out.push_str(&text),
            None => out.push_str(&value[mention.span.clone()]),
        }
        done = mention.span.end;
    }
    out.push_str(&value[done..]);
    out
}

struct Candidate {
    scheme: Option<Range<usize>>,
    host: Range<usize>,
    port: Option<u16>,
    end: usize,
}

/// Everything in `value` that stands where a host stands: in the authority of a
/// URL, or as `host:port` on its own.
fn candidates(value: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < value.len() {
        let rest = &value[start..];
        let length = rest
            .find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '|'))
            .unwrap_or(rest.len());
        token(value, start..start + length, &mut found);
        start += length + rest[length..].chars().next().map_or(1, char::len_utf8);
    }
    found
}

fn token(value: &str, range: Range<usize>, found: &mut Vec<Candidate>) {
    let text = &value[range.clone()];
    let (scheme, authority_start) = match text.find("://") {
        Some(at) => (
            Some(scheme_of(value, range.start, range.start + at)),
            range.start + at + 3,
        ),
        // `key=host:port` as in a list of options.
        None => (
            None,
            range.start + text.rfind('=').map_or(0, |equals| equals + 1),
        ),
    };
    let tail = &value[authority_start..range.end];
    let authority_end = authority_start + tail.find(['/', '?', '#']).unwrap_or(tail.len());
    let authority = &value[authority_start..authority_end];
    let host_start = authority_start + authority.rfind('@').map_or(0, |at| at + 1);
    let host_port = &value[host_start..authority_end];
    let (host, port) = match host_port.split_once(':') {
        Some((host, digits)) => match digits.parse::<u16>() {
            Ok(port) => (host, Some(port)),
            Err(_) => return,
        },
        None => (host_port, None),
    };
    // Without a scheme only `host:port` is an address; after the first of a
    // list of hosts (`postgres://u:p@a:1,b:2/x`) the port is there too.
    if scheme.is_none() && port.is_none() {
        return;
    }
    found.push(Candidate {
        scheme,
        host: host_start..host_start + host.len(),
        port,
        end: authority_end,
    });
}

/// The scheme that ends at `end`: `http` of `jdbc:http://` and of `x=http://`.
fn scheme_of(value: &str, start: usize, end: usize) -> Range<usize> {
    let from = value[start..end]
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        .map_or(start, |at| start + at + 1);
    from..end
}

fn resolve(
    host: &str,
    port: Option<u16>,
    scheme: Option<&str>,
    namespace: &str,
    services: &dyn Services,
) -> Option<Peer> {
    let (service, namespace) = split_host(host, namespace)?;
    let ports = services.ports(namespace, service)?;
    let port = port
        .or_else(|| scheme.and_then(default_port))
        .or_else(|| ports.first().copied())?;
    Some(Peer {
        namespace: namespace.to_owned(),
        service: service.to_owned(),
        port,
    })
}

/// `service`, `service.ns`, `service.ns.svc` and `service.ns.svc.cluster.local`.
fn split_host<'a>(host: &'a str, namespace: &'a str) -> Option<(&'a str, &'a str)> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let host = host.strip_suffix(".cluster.local").unwrap_or(host);
    let host = host.strip_suffix(".svc").unwrap_or(host);
    let (service, namespace) = host.split_once('.').unwrap_or((host, namespace));
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    (is_label(service) && is_label(namespace)).then_some((service, namespace))
}

fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        "postgres" | "postgresql" => 5432,
        "redis" => 6379,
        "amqp" => 5672,
        "mongodb" => 27017,
        "mysql" => 3306,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known;

    impl Services for Known {
        fn ports(&self, namespace: &str, service: &str) -> Option<Vec<u16>> {
            match (namespace, service) {
                ("sock-shop", "payment" | "orders" | "data") => Some(vec![80]),
                ("sock-shop", "orders-db") => Some(vec![5432, 9187]),
                ("sock-shop", "rabbitmq") => Some(vec![5672, 15672]),
                ("observability", "tempo") => Some(vec![3200, 4318]),
                _ => None,
            }
        }
    }

    fn shown(name: &str, value: &str) -> String {
        let found = mentions(name, value, "sock-shop", &Known);
        rewrite(value, &found, |mention| {
            let Peer {
                namespace,
                service,
                port,
            } = &mention.peer;
            Some(format!("<{service}.{namespace}:{port}>"))
        })
    }

    #[test]
    fn whole_host_names_of_services_are_found_in_every_form() {
        for (name, value, expected) in [
            (
                "PAYMENT_URL",
                "http://payment",
                "http://<payment.sock-shop:80>",
            ),
            (
                "PAYMENT_URL",
                "http://payment/",
                "http://<payment.sock-shop:80>/",
            ),
            ("X", "payment:80", "<payment.sock-shop:80>"),
            (
                "DATABASE_URL",
                "postgres://orders:orders@orders-db:5432/data",
                "postgres://orders:orders@<orders-db.sock-shop:5432>/data",
            ),
            (
                "DATABASE_URL",
                "postgres://u:p@orders-db/data?x=payment",
                "postgres://u:p@<orders-db.sock-shop:5432>/data?x=payment",
            ),
            (
                "X",
                "http://payment.sock-shop.svc.cluster.local:80/a",
                "http://<payment.sock-shop:80>/a",
            ),
            ("X", "payment.sock-shop.svc:80", "<payment.sock-shop:80>"),
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "http://tempo.observability:4318",
                "http://<tempo.observability:4318>",
            ),
            (
                "AMQP_URL",
                "amqp://guest:guest@rabbitmq:5672",
                "amqp://guest:guest@<rabbitmq.sock-shop:5672>",
            ),
            (
                "LIST",
                "payment:80,orders-db:5432",
                "<payment.sock-shop:80>,<orders-db.sock-shop:5432>",
            ),
            ("OPTS", "-Dpeer=payment:80", "-Dpeer=<payment.sock-shop:80>"),
            ("DB_HOST", "orders-db", "<orders-db.sock-shop:5432>"),
            ("ORDERS_ADDR", "orders", "<orders.sock-shop:80>"),
            // A port that the Service does not have: the edge will refuse.
            ("X", "http://payment:81", "http://<payment.sock-shop:81>"),
        ] {
            assert_eq!(shown(name, value), expected, "{name}={value}");
        }
    }

    #[test]
    fn what_only_looks_like_a_service_is_left_alone() {
        for (name, value) in [
            ("POSTGRES_USER", "orders"),
            ("POSTGRES_DB", "data"),
            ("OTEL_SERVICE_NAME", "orders"),
            ("X", "http://payments"),
            ("X", "http://payment.example.com"),
            ("X", "http://payment.other-shop"),
            ("X", "my-payment:80"),
            ("X", "payment:latest"),
            ("X", "http://payment:high"),
            ("X", "/var/lib/payment"),
            ("X", "please see payment"),
            ("X", "http://127.0.0.1:80/payment"),
            ("X", "orders:orders"),
            ("X", ""),
            ("X", "ü,é"),
        ] {
            assert_eq!(shown(name, value), value, "{name}={value}");
        }
    }
}
