//! The golden data: socks, tags and customers as the first system has them.

use axum::http::{HeaderValue, header};
use serde_json::{Value, json};

use crate::contract::{ask, basic};
use crate::lab::Lab;

/// Id, name, price, count, tags, pictures; in the order of listings.
const SOCKS: [(&str, &str, &str, i64, &str, &str); 10] = [
    (
        "03fef6ac-1896-4ce8-bd69-b798f85c6e0b",
        "Holy",
        "99.99",
        1,
        "magic action",
        "holy_1.jpeg holy_2.jpeg",
    ),
    (
        "3395a43e-2d88-40de-b95f-e00e1502085b",
        "Colourful",
        "18",
        438,
        "brown blue",
        "colourful_socks.jpg colourful_socks.jpg",
    ),
    (
        "510a0d7e-8e83-4193-b483-e27e09ddc34d",
        "SuperSport XL",
        "15",
        820,
        "sport black formal",
        "puma_1.jpeg puma_2.jpeg",
    ),
    (
        "6d62d909-f957-430e-8689-b5129c0bb75e",
        "Weave special",
        "17.15",
        33,
        "geek black",
        "weave1.jpg weave2.jpg",
    ),
    (
        "808a2de1-1aaa-4c25-a9b9-6612e8f29a38",
        "Crossed",
        "17.32",
        738,
        "blue red action formal",
        "cross_1.jpeg cross_2.jpeg",
    ),
    (
        "819e1fbf-8b7e-4f6d-811f-693534916a8b",
        "Figueroa",
        "14",
        808,
        "formal green blue",
        "WAT.jpg WAT2.jpg",
    ),
    (
        "837ab141-399e-4c1f-9abc-bace40296bac",
        "Cat socks",
        "15",
        175,
        "brown green formal",
        "catsocks.jpg catsocks2.jpg",
    ),
    (
        "a0a4f044-b040-410d-8ead-4de0446aec7e",
        "Nerd leg",
        "7.99",
        115,
        "blue skin",
        "bit_of_leg_1.jpeg bit_of_leg_2.jpeg",
    ),
    (
        "d3588630-ad8e-49df-bbd7-3167f7efb246",
        "YouTube.sock",
        "10.99",
        801,
        "geek formal",
        "youtube_1.jpeg youtube_2.jpeg",
    ),
    (
        "zzz4f044-b040-410d-8ead-4de0446aec7e",
        "Classic",
        "12",
        127,
        "brown green",
        "classic.jpg classic2.jpg",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ten_socks_are_those_of_the_first_system() {
    let lab = Lab::start().await;
    let listed = ask(&lab.peer("catalogue"), "GET", "/catalogue", None).await;
    let listed: Vec<Value> = listed.json().expect("a list");
    assert_eq!(listed.len(), SOCKS.len());
    for (sock, (id, name, price, count, tags, pictures)) in listed.iter().zip(SOCKS) {
        let pictures = pictures.split(' ');
        let pictures: Vec<_> = pictures
            .map(|file| format!("/catalogue/images/{file}"))
            .collect();
        let fields = sock.as_object().expect("an object");
        let expected = json!({
            "id": id,
            "name": name,
            "description": sock["description"],
            "imageUrl": pictures,
            "price": serde_json::from_str::<Value>(price).expect("a number"),
            "count": count,
            "tag": tags.split(' ').collect::<Vec<_>>(),
        });
        assert_eq!(
            sock.to_string(),
            expected.to_string(),
            "order and digits too"
        );
        assert_eq!(fields.len(), 7, "{name}");
        let one = ask(
            &lab.peer("catalogue"),
            "GET",
            &format!("/catalogue/{id}"),
            None,
        )
        .await;
        let one: Value = one.json().expect("a sock");
        assert_eq!(&one, sock, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_customers_log_in_and_have_their_addresses_and_cards() {
    let lab = Lab::start().await;
    let user = lab.peer("user");
    for (id, name, password, names, address, street, card) in [
        (
            "57a98d98e4b00679b4a830b2",
            "Eve_Berger",
            "eve",
            ["Eve", "Berger"],
            "ad",
            ["246", "Whitelees Road", "Glasgow", "G67 3DL"],
            ["ae", "5953580604169678", "678"],
        ),
        (
            "57a98d98e4b00679b4a830af",
            "user",
            "password",
            ["User", "Name"],
            "b0",
            ["246", "Whitelees Road", "Glasgow", "G67 3DL"],
            ["b1", "5544154011345918", "958"],
        ),
        (
            "57a98d98e4b00679b4a830b5",
            "user1",
            "password",
            ["User1", "Name1"],
            "b3",
            ["4", "Maes-Y-Deri", "Aberdare", "CF44 6TF"],
            ["b4", "0908415193175205", "280"],
        ),
    ] {
        let basic = HeaderValue::try_from(basic(name, password)).expect("ascii");
        let login = user.get("/login").header(header::AUTHORIZATION, basic);
        let login: Value = login.send().await.expect("an answer").json().expect("JSON");
        let base = format!("http://user/customers/{id}");
        let customer = json!({
            "firstName": names[0],
            "lastName": names[1],
            "username": name,
            "id": id,
            "_links": {
                "addresses": { "href": format!("{base}/addresses") },
                "cards": { "href": format!("{base}/cards") },
                "customer": { "href": base },
                "self": { "href": base },
            },
        });
        assert_eq!(login, json!({ "user": customer }));
        let link = |kind: &str, plural: &str, end: &str| {
            let href = format!("http://user/{plural}/57a98d98e4b00679b4a830{end}");
            json!({ kind: { "href": href }, "self": { "href": href } })
        };
        let addresses = json!([{
            "street": street[1],
            "number": street[0],
            "country": "United Kingdom",
            "city": street[2],
            "postcode": street[3],
            "id": format!("57a98d98e4b00679b4a830{address}"),
            "_links": link("address", "addresses", address),
        }]);
        let cards = json!([{
            "longNum": card[1],
            "expires": "08/19",
            "ccv": card[2],
            "id": format!("57a98d98e4b00679b4a830{}", card[0]),
            "_links": link("card", "cards", card[0]),
        }]);
        for (path, kind, expected) in [
            ("addresses", "address", addresses),
            ("cards", "card", cards),
        ] {
            let found = ask(&user, "GET", &format!("/customers/{id}/{path}"), None).await;
            let found: Value = found.json().expect("HAL");
            let expected = json!({ "_embedded": { kind: expected } });
            assert_eq!(found.to_string(), expected.to_string(), "{name}");
        }
    }
    for (path, field, expected) in [
        (
            "/addresses/57a98ddce4b00679b4a830d1",
            "id",
            "57a98ddce4b00679b4a830d1",
        ),
        (
            "/cards/57a98ddce4b00679b4a830d2",
            "longNum",
            "5429804235432",
        ),
    ] {
        let orphan: Value = ask(&user, "GET", path, None).await.json().expect("JSON");
        assert_eq!(orphan[field], expected, "{path}");
    }
}
