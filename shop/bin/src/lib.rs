//! The multi-call program that is every service and every store of every shop.
//!
//! [`run`] is the whole program: the binary `shop` calls it, and so does whoever
//! links this crate to have the shops in its own program.

mod registry;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use shop_kit::Service;

/// The exit code for arguments that name nothing.
const USAGE: u8 = 2;
/// A store's threads beside the ones that its own work asks for.
const WORKERS: usize = 2;

/// Runs what `args` name (the program's own name is not among them), until SIGTERM or SIGINT:
/// `sock-shop/carts` is a service, `store postgres` (or `redis`, `rabbitmq`) a store.
///
/// Whatever keeps it from starting is one JSON line on stdout, and exit code 1. Arguments
/// that name nothing are one line on stderr, and exit code 2.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args
        .into_iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["store", kind] => store(kind),
        [name] => match service(name) {
            Some(service) => shop_kit::run(service),
            None => usage(&format!("there is no service `{name}`")),
        },
        _ => usage("expected one service, or `store` and one store"),
    }
}

/// The names of all services, each as `shop/service`.
pub fn services() -> impl Iterator<Item = String> {
    registry::SHOPS.iter().flat_map(|shop| {
        let services = shop.services.iter();
        services.map(|service| format!("{}/{}", shop.name, service.name))
    })
}

fn service(name: &str) -> Option<&'static Service> {
    let (shop, service) = name.split_once('/')?;
    let shop = registry::SHOPS.iter().find(|known| known.name == shop)?;
    shop.services.iter().find(|known| known.name == service)
}

fn store(kind: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return complain(&format!("the runtime failed: {error}"), ExitCode::FAILURE),
    };
    let env = shop_stores::Env::of_process();
    // The store has logged its error by itself.
    runtime
        .block_on(shop_stores::run(kind, &env))
        .unwrap_or(ExitCode::FAILURE)
}

fn usage(problem: &str) -> ExitCode {
    let services: Vec<_> = services().collect();
    let text = format!(
        "{problem}; services: {}; stores: store postgres, store redis, store rabbitmq",
        services.join(", ")
    );
    complain(&text, ExitCode::from(USAGE))
}

fn complain(text: &str, code: ExitCode) -> ExitCode {
    // Without a stderr there is nobody to tell.
    drop(writeln!(std::io::stderr(), "shop: {text}"));
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_of_sock_shop_is_found_by_its_name() {
        for name in [
            "front-end",
            "user",
            "catalogue",
            "carts",
            "orders",
            "payment",
            "payment-gateway",
            "shipping",
            "queue-master",
        ] {
            let found = service(&format!("sock-shop/{name}"));
            assert_eq!(found.map(|service| service.name), Some(name));
        }
        assert_eq!(services().count(), 9);
        for name in ["", "carts", "sock-shop/", "sock-shop/nobody", "other/carts"] {
            assert!(service(name).is_none(), "{name}");
        }
    }
}
