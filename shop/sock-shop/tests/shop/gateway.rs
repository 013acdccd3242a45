//! The payment provider: charges as Stripe's API has them, and what payment makes of its answers.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::routing::post;
use instrument::Metrics;
use serde_json::{Value, json};
use shop_kit::{Answer, Context, Env, Peer, Release};
use tokio::net::TcpListener;

use crate::contract::{ask, check};
use crate::lab::Lab;

async fn charge(gateway: &Peer, key: Option<&str>, form: &[(&str, &str)]) -> Answer {
    let call = gateway.post("/v1/charges").form(form);
    let call = match key {
        Some(key) => {
            let bearer = HeaderValue::try_from(format!("Bearer {key}")).expect("ascii");
            call.header(header::AUTHORIZATION, bearer)
        }
        None => call,
    };
    call.send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_answers_as_stripe_does() {
    let lab = Lab::start().await;
    let gateway = lab.peer("payment-gateway");
    let form = [
        ("amount", "1998"),
        ("currency", "usd"),
        ("source", "tok_visa"),
    ];
    let charged = charge(&gateway, Some("sk_test_mock"), &form).await;
    assert_eq!(charged.status, StatusCode::OK);
    let charged: Value = charged.json().expect("JSON");
    assert!(
        charged["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("ch_"))
    );
    for (field, value) in [
        ("object", json!("charge")),
        ("amount", json!(1998)),
        ("currency", json!("usd")),
        ("paid", json!(true)),
        ("status", json!("succeeded")),
    ] {
        assert_eq!(charged[field], value, "{field}");
    }
    let refused = ("source", "tok_chargeDeclined");
    for (key, form, status, error) in [
        (
            None,
            &form[..],
            401,
            json!({ "type": "invalid_request_error" }),
        ),
        (
            Some("pk_live"),
            &form,
            401,
            json!({ "type": "invalid_request_error" }),
        ),
        (
            Some("sk_test_mock"),
            &form[1..],
            400,
            json!({ "code": "parameter_missing", "param": "amount" }),
        ),
        (
            Some("sk_test_mock"),
            &[form[0], form[1], refused],
            402,
            json!({ "type": "card_error", "code": "card_declined" }),
        ),
    ] {
        let answer = charge(&gateway, key, form).await;
        assert_eq!(answer.status.as_u16(), status, "{form:?}");
        let body: Value = answer.json().expect("JSON");
        for (field, value) in error.as_object().expect("fields") {
            assert_eq!(&body["error"][field], value, "{form:?}: {body}");
        }
    }
    check(
        &gateway,
        &[
            ("GET", "/health", None, 200, r#"{"health":[{"service":"payment-gateway","status":"OK""#),
            ("GET", "/ready", None, 200, "ready"),
            ("GET", "/metrics", None, 200, r#"charges_total{status="succeeded"} 1"#),
            ("GET", "/v1/nothing", None, 404, r#"{"error":{"type":"invalid_request_error","message":"Unrecognized request URL (GET: /v1/nothing).""#),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payment_has_the_provider_charge_what_is_within_the_limit() {
    let lab = Lab::start().await;
    let payment = lab.peer("payment");
    check(
        &payment,
        &[
            (
                "POST",
                "/paymentAuth",
                Some(json!({ "amount": 19.99 })),
                200,
                r#"{"authorised":true,"message":"Payment authorized (charge: ch_"#,
            ),
            (
                "POST",
                "/paymentAuth",
                Some(json!({ "amount": 105.01 })),
                200,
                r#"{"authorised":false,"message":"Payment declined: amount exceeds 105.00"}"#,
            ),
            (
                "POST",
                "/paymentAuth",
                Some(json!({})),
                500,
                "Cannot unmarshal object key",
            ),
        ],
    )
    .await;
    let charges = lab.sum("payment-gateway", "charges_total", &[]).await;
    assert!((charges - 1.0).abs() < f64::EPSILON, "{charges} charges");
}

/// payment alone, with a provider that always answers the same.
async fn payment_with(status: StatusCode, body: &'static str) -> Peer {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let provider = Router::new().route("/v1/charges", post(move || async move { (status, body) }));
    tokio::spawn(async move { axum::serve(listener, provider).await });
    let services = sock_shop::SHOP.services;
    let service = services.iter().find(|service| service.name == "payment");
    let service = service.expect("a service");
    let env = Env::default().with("PAYMENT_GATEWAY_URL", &format!("http://{address}"));
    let metrics = Metrics::new("payment").expect("well-formed families");
    let context = Context::new(env, metrics.clone(), Release::good("v1.0.0"));
    let app = shop_kit::router(service, &context).expect("a complete environment");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    let url = format!("http://{address}").parse().expect("a URL");
    Peer::new("payment", &url, metrics)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_provider_does_wrong_is_a_refusal_with_status_200() {
    for (status, body, message) in [
        (500, "", "Payment gateway unavailable (HTTP 500)"),
        (503, "", "Payment gateway unavailable (HTTP 503)"),
        (429, "", "Payment gateway rate limit exceeded"),
        (402, "{}", "Payment request failed (HTTP 402)"),
        (
            200,
            r#"{"id":"ch_1","paid":false}"#,
            "Payment declined by gateway",
        ),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        let payment = payment_with(status, body).await;
        let answer = ask(
            &payment,
            "POST",
            "/paymentAuth",
            Some(json!({ "amount": 10 })),
        )
        .await;
        assert_eq!(answer.status, StatusCode::OK);
        let answer: Value = answer.json().expect("JSON");
        assert_eq!(answer, json!({ "authorised": false, "message": message }));
    }
}
