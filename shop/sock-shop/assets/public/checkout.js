// The four steps of the checkout: address, delivery, payment, review.
"use strict";

/** Shows the form of a step while what it asks for is missing; sends it, and goes on. */
function step(known, path, fields, next) {
  $("#step-form").hidden = known;
  $("#step-next").hidden = !known;
  $("#step-next").onclick = () => { location.href = next; };
  $("#step-form").onsubmit = async (event) => {
    event.preventDefault();
    const body = Object.fromEntries(fields.map((field) => [field, document.getElementById(field).value]));
    const answer = await call("POST", path, body);
    if (answer.ok) location.href = next; else say(answer);
  };
}

Object.assign(pages, {
  async checkoutAddress() {
    const fields = ["number", "street", "city", "postcode", "country"];
    step(await showAddress(), "/addresses", fields, "/checkout2.html");
  },

  checkoutDelivery() {
    $("#step-next").onclick = () => { location.href = "/checkout3.html"; };
  },

  async checkoutPayment() {
    step(await showCard(), "/cards", ["longNum", "expires", "ccv"], "/checkout4.html");
  },

  checkoutReview: () => pages.basket(),
});
