//! Reads from the environment of a service whom it calls.

use model::ServiceName;

/// The services that `value` names as a host: `http://payment`,
/// `postgres://user:secret@orders-db:5432/data`, `rabbitmq:5672`,
/// `payment.sock-shop.svc.cluster.local:80`, or several with commas. A bare
/// word is not a host.
pub(super) fn peers<'a>(
    value: &str,
    namespace: &str,
    services: &'a [ServiceName],
) -> Vec<&'a ServiceName> {
    let hosts = value.split(',').filter_map(host);
    hosts
        .filter_map(|host| {
            let name = own(host, namespace)?;
            services.iter().find(|service| *service == name)
        })
        .collect()
}

/// The host of an address, where it is one.
fn host(address: &str) -> Option<&str> {
    let address = address.trim();
    if let Some((_, rest)) = address.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit('@').next()?;
        return host.split(':').next().filter(|host| !host.is_empty());
    }
    let (host, port) = address.split_once(':')?;
    let port = port.split('/').next()?;
    (!host.is_empty() && port.parse::<u16>().is_ok()).then_some(host)
}

/// The Service's name, where `host` is of `namespace`.
fn own<'a>(host: &'a str, namespace: &str) -> Option<&'a str> {
    let mut labels = host.split('.');
    let name = labels.next()?;
    match (labels.next(), labels.next()) {
        (None, _) => Some(name),
        (Some(other), None | Some("svc")) if other == namespace => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_a_service_is_a_call() {
        let services = ["payment", "orders-db", "rabbitmq", "orders"].map(ServiceName::from);
        for (value, expected) in [
            ("http://payment", vec!["payment"]),
            ("http://payment:80/paymentAuth?orders", vec!["payment"]),
            (
                "postgres://orders:orders@orders-db:5432/orders",
                vec!["orders-db"],
            ),
            ("rabbitmq:5672", vec!["rabbitmq"]),
            ("rabbitmq:5672,orders:80", vec!["rabbitmq", "orders"]),
            ("payment.sock-shop.svc.cluster.local:80", vec!["payment"]),
            ("http://payment.sock-shop", vec!["payment"]),
            ("http://payment.elsewhere", vec![]),
            ("http://tempo.observability:4318", vec![]),
            ("orders", vec![]),
            ("orders:orders", vec![]),
            ("http://", vec![]),
            ("", vec![]),
        ] {
            let found: Vec<&str> = peers(value, "sock-shop", &services)
                .into_iter()
                .map(ServiceName::as_str)
                .collect();
            assert_eq!(found, expected, "{value}");
        }
    }
}
