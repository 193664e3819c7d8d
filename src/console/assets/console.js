// What makes pages live. Each page works without it.
"use strict";

// Times in the zone of the browser, written as the daemon writes them; the title keeps UTC.
const shown = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });
function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    // Days of a timeline are days of UTC, and so are its times.
    if (isNaN(at) || time.title || "clock" in time.dataset) continue;
    time.title = time.textContent + " UTC";
    time.textContent = shown.format(at);
  }
}
localTimes(document);
for (const zone of document.querySelectorAll(".zone")) {
  zone.textContent = "the zone " + Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// Asks for the same page now and then, and takes over what has changed.
const LIVE_MS = 2000;
let waits = false;
async function refresh() {
  if (waits || document.hidden) return;
  waits = true;
  try {
    const reply = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "manual" });
    // The session has ended. What it showed goes, unless somebody is writing: the next click says so then.
    if (reply.type === "opaqueredirect" && !document.activeElement.closest("main form")) return location.reload();
    if (!reply.ok) return;
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    localTimes(page);
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.querySelector(`[data-live="${old.dataset.live}"]`);
      // What was waited for is on another page.
      if (!fresh && "leadsOn" in old.dataset) return location.reload();
      // Nothing moves under somebody's hands.
      if (!fresh || old.contains(document.activeElement) && document.activeElement !== old) continue;
      if (plain(fresh) === plain(old)) continue;
      const open = [...old.querySelectorAll("details")].map((details) => details.open);
      old.replaceChildren(...fresh.childNodes);
      [...old.querySelectorAll("details")].forEach((details, at) => { details.open = open[at] ?? false; });
      old.removeAttribute("data-changed");
      void old.offsetWidth;
      old.setAttribute("data-changed", "");
    }
  } catch {
    // The daemon is gone or restarts: the page stays as it is.
  } finally {
    waits = false;
  }
}
// A region as it reads, without what is different on each page: when it was made.
function plain(region) {
  const copy = region.cloneNode(true);
  for (const field of copy.querySelectorAll("input[name=now], details")) {
    field.removeAttribute("value");
    field.removeAttribute("open");
  }
  return copy.innerHTML;
}
// A page that a form was sent from, or that made a plan, is not asked for again.
if (document.querySelector("[data-live]") && !new URLSearchParams(location.search).has("plan")) {
  setInterval(refresh, LIVE_MS);
}

// Counts the contacts that match while somebody chooses; without this the button does.
for (const form of document.querySelectorAll("form[data-count]")) {
  const told = form.querySelector("output");
  let newest = 0;
  form.addEventListener("input", () => {
    const asked = ++newest;
    setTimeout(async () => {
      if (asked !== newest) return;
      try {
        const query = new URLSearchParams(new FormData(form));
        const reply = await fetch(`${form.dataset.count}?${query}`, { headers: { "X-Live": "1" }, redirect: "error" });
        if (reply.ok && asked === newest) told.textContent = await reply.text();
      } catch {
        told.textContent = "";
      }
    }, 200);
  });
}

// A file that is too large is told before it is sent.
for (const input of document.querySelectorAll("input[data-max]")) {
  input.addEventListener("change", () => {
    const isLarge = input.files[0]?.size > input.dataset.max;
    input.setCustomValidity(isLarge ? "This file is too large: import it in parts." : "");
    input.reportValidity();
  });
}

// "/" leads to the search field.
document.addEventListener("keydown", (event) => {
  const types = event.target.closest("input, select, textarea");
  if (event.key === "/" && !types && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    document.getElementById("q")?.focus();
  }
});

// What the last form came to is read out first.
document.getElementById("said")?.focus();
