// What all pages share: the head of the page, calls, messages, and one function per page.
"use strict";

const $ = (selector) => document.querySelector(selector);
const escape = (text) => String(text ?? "").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const money = (amount) => `$${Number(amount).toFixed(2)}`;

/** Calls the shop. Answers {ok, status, body}; a shop that does not answer has status 0. */
async function call(method, path, body, headers = {}) {
  try {
    const init = { method, headers: { ...headers }, credentials: "same-origin" };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers["Content-Type"] = "application/json";
    }
    const answer = await fetch(path, init);
    const text = await answer.text();
    let parsed = text;
    try { parsed = JSON.parse(text); } catch { /* plain text */ }
    const failed = parsed && typeof parsed === "object" && !Array.isArray(parsed) && (parsed.error || parsed.status_code >= 400);
    return { ok: answer.ok && !failed, status: answer.status, body: parsed };
  } catch {
    return { ok: false, status: 0, body: { message: "Site unavailable" } };
  }
}

/** Shows a message above the page; an answer that failed shows what the shop said. */
function say(what, good = false) {
  const text = typeof what === "string" ? what : (what.body && (what.body.message || what.body.error)) || `Error ${what.status}`;
  const box = $("#message");
  box.textContent = text;
  box.className = good ? "shown good" : "shown";
  if (text === "Session expired") showUser(null);
}

const loggedIn = () => /(^|; )logged_in=[^;]/.test(document.cookie);

function head() {
  document.body.insertAdjacentHTML("afterbegin", `
    <header id="nav">
      <a class="brand" href="/">WeaveSocks</a>
      <a href="/category.html">Catalogue</a>
      <a href="/customer-orders.html" id="ordersLink" hidden>My orders</a>
      <span class="right">
        <span id="howdy"></span>
        <a href="#" id="login-open">Login</a>
        <a href="/register.html" id="register-open">Register</a>
        <a href="#" id="logout" hidden>Logout</a>
        <a href="/basket.html" id="basket-overview"><span id="numItemsInCart">0 items in cart</span></a>
      </span>
    </header>
    <dialog id="login-modal">
      <form id="login-form" method="dialog">
        <h3>Login</h3>
        <input id="username-modal" placeholder="username" autocomplete="username">
        <input id="password-modal" type="password" placeholder="password" autocomplete="current-password">
        <button id="login-submit">Log in</button>
        <button type="button" class="plain" id="login-cancel">Cancel</button>
      </form>
    </dialog>`);
  $("main").insertAdjacentHTML("afterbegin", `<p id="message" role="alert"></p>`);
  $("#login-open").onclick = () => $("#login-modal").showModal();
  $("#login-cancel").onclick = () => $("#login-modal").close();
  $("#logout").onclick = async () => { await call("GET", "/logout"); location.href = "/"; };
  $("#login-form").onsubmit = async (event) => {
    event.preventDefault();
    const basic = btoa(`${$("#username-modal").value}:${$("#password-modal").value}`);
    const answer = await call("GET", "/login", undefined, { Authorization: `Basic ${basic}` });
    $("#login-modal").close();
    if (answer.ok) location.reload(); else say(answer);
  };
}

async function showUser() {
  const known = loggedIn();
  for (const [id, hidden] of [["login-open", known], ["register-open", known], ["logout", !known], ["ordersLink", !known]]) {
    document.getElementById(id).hidden = hidden;
  }
  $("#howdy").textContent = "";
  if (!known) return;
  const answer = await call("GET", "/customers/me");
  if (answer.ok && answer.body.firstName !== undefined) {
    $("#howdy").textContent = `Logged in as ${answer.body.firstName} ${answer.body.lastName}`;
  } else if (!answer.ok) say(answer);
}

async function showCart() {
  const answer = await call("GET", "/cart");
  const lines = answer.ok && Array.isArray(answer.body) ? answer.body : [];
  const count = lines.reduce((sum, line) => sum + line.quantity, 0);
  $("#numItemsInCart").textContent = count === 0 ? "0 items in cart" : `${count} item(s) in cart`;
  if (!answer.ok) say(answer);
  return { answer, lines };
}

/** Shows the address that orders go to; answers whether there is one. */
async function showAddress() {
  const { ok, body } = await call("GET", "/address");
  const known = ok && Boolean(body.street);
  $("#address").textContent = known ? `${body.number} ${body.street}, ${body.city} ${body.postcode}, ${body.country}` : "no address yet";
  return known;
}

/** Shows the card that orders are paid with; answers whether there is one. */
async function showCard() {
  const { ok, body } = await call("GET", "/card");
  const known = ok && Boolean(body.number);
  $("#card").textContent = known ? `card ending in ${body.number}` : "no card yet";
  return known;
}

async function add(id) {
  const answer = await call("POST", "/cart", { id });
  if (!answer.ok) return say(answer);
  say("Added to your cart.", true);
  await showCart();
}

const card = (sock) => `
  <div class="product">
    <a href="/detail.html?id=${encodeURIComponent(sock.id)}"><img src="${escape(sock.imageUrl[0])}" alt="${escape(sock.name)}"></a>
    <h3><a href="/detail.html?id=${encodeURIComponent(sock.id)}">${escape(sock.name)}</a></h3>
    <p class="price">${money(sock.price)}</p>
    <button data-add="${escape(sock.id)}">Add to cart</button>
  </div>`;

function wireAdd() {
  document.querySelectorAll("[data-add]").forEach((button) => { button.onclick = () => add(button.dataset.add); });
}

async function list(path, into) {
  const answer = await call("GET", path);
  const socks = answer.ok && Array.isArray(answer.body) ? answer.body : [];
  into.innerHTML = socks.map(card).join("");
  if (!answer.ok) say(answer);
  else if (socks.length === 0) into.innerHTML = "<p>No socks here.</p>";
  wireAdd();
}

const pages = {
  home: () => list("/catalogue?size=5", $("#hot")),

  async category() {
    const query = new URLSearchParams(location.search);
    const tags = query.get("tags") || "";
    const page = Number(query.get("page") || 1);
    const size = Number(query.get("size") || 6);
    const known = await call("GET", "/tags");
    const names = known.ok && known.body.tags ? known.body.tags : [];
    $("#tags").innerHTML = `<a href="/category.html" class="${tags ? "" : "on"}">all</a>` +
      names.map((tag) => `<a href="?tags=${encodeURIComponent(tag)}" class="${tag === tags ? "on" : ""}">${escape(tag)}</a>`).join("");
    await list(`/catalogue?page=${page}&size=${size}&tags=${encodeURIComponent(tags)}`, $("#products"));
    const count = await call("GET", `/catalogue/size?tags=${encodeURIComponent(tags)}`);
    const last = Math.max(1, Math.ceil(((count.ok && count.body.size) || 0) / size));
    const link = (to, text) => `<a href="?page=${to}&size=${size}&tags=${encodeURIComponent(tags)}">${text}</a> `;
    $("#pages").innerHTML = `${page > 1 ? link(page - 1, "previous") : ""} page ${page} of ${last} ${page < last ? link(page + 1, "next") : ""}`;
  },

  async detail() {
    const id = new URLSearchParams(location.search).get("id") || "";
    const answer = await call("GET", `/catalogue/${encodeURIComponent(id)}`);
    if (!answer.ok || !answer.body.id) return say(answer);
    const sock = answer.body;
    document.title = `${sock.name} - WeaveSocks`;
    $("#detail").innerHTML = `
      <div><img src="${escape(sock.imageUrl[0])}" alt="${escape(sock.name)}"></div>
      <div><h1>${escape(sock.name)}</h1><p>${escape(sock.description)}</p>
      <p class="price">${money(sock.price)}</p><p>${sock.count} in stock · ${sock.tag.map(escape).join(", ")}</p>
      <button id="buttonCart" data-add="${escape(sock.id)}">Add to cart</button></div>`;
    wireAdd();
  },

  async basket() {
    const { lines } = await showCart();
    const socks = await Promise.all(lines.map((line) => call("GET", `/catalogue/${encodeURIComponent(line.itemId)}`)));
    const name = (at) => (socks[at].ok && socks[at].body.name) || lines[at].itemId || "unknown item";
    $("#cart tbody").innerHTML = lines.map((line, at) => `
      <tr class="item"><td>${escape(name(at))}</td>
      <td><input class="count" type="number" min="0" value="${line.quantity}" data-item="${escape(line.itemId)}"></td>
      <td>${money(line.unitPrice)}</td><td>${money(line.unitPrice * line.quantity)}</td>
      <td><button class="plain" data-remove="${escape(line.itemId)}">Remove</button></td></tr>`).join("") ||
      `<tr><td colspan="5">Your cart is empty.</td></tr>`;
    const sum = lines.reduce((total, line) => total + line.unitPrice * line.quantity, 0);
    $("#total").textContent = `Items ${money(sum)} + shipping $4.99 = ${money(sum + 4.99)}`;
    document.querySelectorAll("[data-remove]").forEach((button) => {
      button.onclick = async () => {
        const answer = await call("DELETE", `/cart/${encodeURIComponent(button.dataset.remove)}`);
        if (answer.ok) await pages.basket(); else say(answer);
      };
    });
    document.querySelectorAll("[data-item]").forEach((input) => {
      input.onchange = async () => {
        const answer = await call("POST", "/cart/update", { id: input.dataset.item, quantity: input.value });
        if (answer.ok) await pages.basket(); else say(answer);
      };
    });
    await showAddress();
    await showCard();
    $("#orderButton").disabled = lines.length === 0;
    $("#orderButton").onclick = pages.order;
  },

  async order() {
    $("#orderButton").disabled = true;
    const answer = await call("POST", "/orders");
    $("#orderButton").disabled = false;
    if (!answer.ok) return say(answer);
    await call("DELETE", "/cart");
    location.href = "/customer-orders.html?placed=1";
  },

  async orders() {
    const answer = await call("GET", "/orders");
    if (!answer.ok) return say(answer);
    const late = (order, after) => Date.now() - Date.parse(order.date.replace("+0000", "Z")) > after;
    const state = (order) => {
      if (order.status === "SHIPPED" && late(order, 60_000)) return "SHIPPED: delayed shipment";
      if (order.status === "PAID" && late(order, 10_000)) return "PAID: order complete, not shipped";
      return order.status;
    };
    const id = (order) => order._links.self.href.split("/").pop();
    if (answer.body.some((order) => order.status === "SHIPPED" && late(order, 60_000))) say("Delayed shipments");
    else if (new URLSearchParams(location.search).has("placed")) say("Thank you for your order.", true);
    $("#orders tbody").innerHTML = answer.body.slice().reverse().map((order) => `
      <tr class="order"><td><a href="/customer-order.html?order=/orders/${encodeURIComponent(id(order))}">${escape(id(order))}</a></td><td>${escape(order.date.slice(0, 19).replace("T", " "))}</td>
      <td>${order.items.reduce((sum, item) => sum + item.quantity, 0)} item(s)</td>
      <td>${money(order.total)}</td><td>${escape(state(order))}</td></tr>`).join("") ||
      `<tr><td colspan="5">No orders yet.</td></tr>`;
  },

  async details() {
    const path = new URLSearchParams(location.search).get("order") || "";
    if (!/^\/orders\/[0-9a-f]+$/.test(path)) return say("No such order.");
    const answer = await call("GET", path);
    if (!answer.ok || !answer.body.items) return say(answer.status === 404 ? "No such order." : answer);
    const order = answer.body;
    const socks = await Promise.all(order.items.map((item) => call("GET", `/catalogue/${encodeURIComponent(item.itemId)}`)));
    $("#order-id").textContent = path.split("/").pop();
    $("#order-date").textContent = order.date.slice(0, 19).replace("T", " ");
    $("#order-status").textContent = order.status;
    $("#lines tbody").innerHTML = order.items.map((item, at) => `
      <tr><td>${escape((socks[at].ok && socks[at].body.name) || item.itemId)}</td><td>${item.quantity}</td>
      <td>${money(item.unitPrice)}</td><td>${money(item.unitPrice * item.quantity)}</td></tr>`).join("");
    $("#total").textContent = `${money(order.total)} with shipping`;
    const to = order.address;
    $("#address").textContent = `${to.number} ${to.street}, ${to.city} ${to.postcode}, ${to.country}`;
    $("#card").textContent = `card ending in ${order.card.longNum.slice(-4)}`;
  },

  register() {
    $("#register-form").onsubmit = async (event) => {
      event.preventDefault();
      const value = (id) => document.getElementById(id).value;
      const answer = await call("POST", "/register", {
        username: value("register-username"), password: value("register-password"), email: value("register-email"),
        firstName: value("register-first-name"), lastName: value("register-last-name"),
      });
      if (!answer.ok) return say(answer);
      const [number, ...street] = value("register-street").split(" ");
      await call("POST", "/addresses", { number, street: street.join(" "), city: value("register-city"), postcode: value("register-postcode"), country: value("register-country") });
      await call("POST", "/cards", { longNum: value("register-card"), expires: value("register-expires"), ccv: value("register-ccv") });
      location.href = "/";
    };
  },
};

addEventListener("DOMContentLoaded", async () => {
  head();
  const page = pages[document.body.dataset.page];
  if (page) await page();
  await showUser();
  if (page !== pages.basket && page !== pages.checkoutReview) await showCart();
});
