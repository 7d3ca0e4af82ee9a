// Comfort only: every page works without this. No page has a script of its own.
"use strict";

async function put(place, answer) {
  if (answer.status === 401) { location.reload(); return; }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  place.replaceChildren(...page.body.childNodes);
  const first = place.querySelector("[tabindex='-1']");
  if (first && place.dataset.into !== undefined) first.focus();
}

// A part of the page that comes after it.
function load(root) {
  for (const place of root.querySelectorAll("[data-load]")) {
    fetch(place.dataset.load, { headers: { "X-Part": "1" } }).then((answer) => put(place, answer), () => {});
  }
}
load(document);

// A form whose answer goes where the form is.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.part === undefined) {
    // Once is enough: a second click sends nothing.
    if (form.method === "post" && form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 8000);
    return;
  }
  event.preventDefault();
  const place = form.closest("[data-into]") || document.querySelector(form.dataset.part);
  const options = { method: "POST", body: new FormData(form), headers: { "X-Part": "1" } };
  fetch(form.action, options).then((answer) => put(place, answer), () => { form.removeAttribute("data-part"); form.submit(); });
});

// Who calls is looked up while the number is typed.
const phone = document.querySelector("[data-lookup]");
if (phone) {
  let waiting;
  phone.addEventListener("input", () => {
    clearTimeout(waiting);
    if (phone.value.replace(/\D/g, "").length < 7) return;
    waiting = setTimeout(() => {
      const place = document.getElementById("caller");
      const options = { method: "POST", body: new FormData(phone.form), headers: { "X-Part": "1" } };
      fetch(phone.dataset.lookup, options).then((answer) => put(place, answer), () => {});
    }, 500);
  });
}

// Up and down through rows; u hurries the one that has the focus (its form stands beside it).
document.addEventListener("keydown", (event) => {
  const at = document.activeElement;
  const row = at.closest && at.closest("[data-rows] > li, [data-rows] > tr");
  if (!row || at.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  const link = step && row[step] && row[step].querySelector("a");
  if (link) { event.preventDefault(); link.focus(); }
  const urge = event.key === "u" && row.querySelector("[data-urge]");
  if (urge) { event.preventDefault(); urge.click(); }
});

// News: the page is made anew where nobody has begun to write in it; else it says that something has changed.
const main = document.getElementById("main");
if (main.dataset.news && window.EventSource) {
  const notice = document.getElementById("news");
  let isTouched = false, waiting;
  const touch = (event) => { if (main.contains(event.target)) isTouched = true; };
  document.addEventListener("input", touch);
  document.addEventListener("submit", touch);
  document.addEventListener("toggle", touch, true);

  const tell = () => {
    const link = document.createElement("a");
    link.href = location.pathname + location.search;
    link.textContent = notice.dataset.show;
    notice.replaceChildren(notice.dataset.changed + " ", link);
  };
  const renew = async () => {
    waiting = undefined;
    const inForm = document.activeElement.closest && document.activeElement.closest("main form");
    if (isTouched || inForm) { tell(); return; }
    const answer = await fetch(location.pathname + location.search);
    if (!answer.ok || answer.redirected) { tell(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement.getAttribute && document.activeElement.getAttribute("href");
    const fresh = page.getElementById("main");
    fresh.querySelectorAll(".done").forEach((one) => one.remove());
    fresh.querySelector("#news").remove();
    main.replaceChildren(notice, ...fresh.childNodes);
    notice.textContent = notice.dataset.renewed;
    load(main);
    if (focused) [...main.querySelectorAll("a")].find((one) => one.getAttribute("href") === focused)?.focus();
  };
  const stream = new EventSource(main.dataset.news);
  stream.addEventListener("changed", () => { waiting ||= setTimeout(renew, 800); });
  stream.addEventListener("people", (event) => {
    const here = document.getElementById("people-here");
    if (here) here.textContent = JSON.parse(event.data);
  });
  addEventListener("pagehide", () => stream.close());
}

// What is asked depends on what it is about: shown while somebody writes.
const about = document.querySelector("[data-ask]");
if (about) {
  let waiting, last = about.value;
  about.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (about.value === last || about.value.trim().length < 4) return;
      last = about.value;
      const body = new FormData();
      body.append("text", last);
      const csrf = about.form.elements._csrf;
      if (csrf) body.append("_csrf", csrf.value);
      fetch(about.dataset.ask, { method: "POST", body, headers: { "X-Part": "1" } })
        .then((answer) => answer.ok && put(document.getElementById("asked"), answer), () => {});
    }, 700);
  });
}

// The first thing that is wrong gets the reader.
const wrong = document.querySelector("[aria-invalid='true'], .wrong[role='alert']");
if (wrong) wrong.scrollIntoView({ block: "center" });
