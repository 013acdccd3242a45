//! A release that dies of an error which nobody catches, as a process of its own.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;

#[tokio::test]
async fn a_crash_ends_the_process_with_exit_code_1_and_a_log_line() {
    let free = || {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener
            .local_addr()
            .expect("an address")
            .port()
            .to_string()
    };
    let (redis, front_end, nobody) = (free(), free(), free());
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command
            .env_clear()
            .kill_on_drop(true)
            .stdout(Stdio::piped());
        command
    };
    let _store = program()
        .args(["store", "redis"])
        .env("PORT", &redis)
        .env("METRICS_PORT", free())
        .spawn()
        .expect("a store");
    let peer = format!("http://127.0.0.1:{nobody}");
    let mut service = program()
        .arg("sock-shop/front-end")
        .env("SHOP_RELEASE", "v1.1.3")
        .env("PORT", &front_end)
        .env("SESSION_REDIS", format!("redis://127.0.0.1:{redis}"))
        .envs(["CATALOGUE_URL", "CARTS_URL", "ORDERS_URL", "USER_URL"].map(|name| (name, &peer)))
        .spawn()
        .expect("a service");
    let ask = async {
        let mut again = tokio::time::interval(Duration::from_millis(20));
        loop {
            again.tick().await;
            let address = format!("127.0.0.1:{front_end}");
            let Ok(mut stream) = TcpStream::connect(address).await else {
                continue;
            };
            let request = "POST /cart HTTP/1.1\r\nhost: shop\r\ncontent-length: 8\r\nconnection: close\r\n\r\n{\"id\":1}";
            if stream.write_all(request.as_bytes()).await.is_ok() {
                // The connection ends with the service, or with its error while Redis is not there yet.
                drop(stream.read_to_end(&mut Vec::new()).await);
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(30), async {
        tokio::select! {
            () = ask => unreachable!("it asks for ever"),
            status = service.wait() => status.expect("a status"),
        }
    });
    let status = ended.await.expect("it dies");
    assert_eq!(status.code(), Some(1));
    let mut log = String::new();
    let mut stdout = service.stdout.take().expect("piped");
    stdout.read_to_string(&mut log).await.expect("text");
    assert!(
        log.contains("SyntaxError: Unexpected token u in JSON"),
        "{log}"
    );
}
