// Brings pages to life. Every page works without it.

const prefix = document.body.dataset.prefix ?? "";

// Copy buttons beside what is meant to be copied.
for (const box of document.querySelectorAll(".copy")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    const text = box.querySelector("pre").textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // Without HTTPS there is no clipboard; selecting it is the next best.
      getSelection().selectAllChildren(box.querySelector("pre"));
      button.textContent = "Press Ctrl-C";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  box.append(button);
}

for (const select of document.querySelectorAll("[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// Times: exact ones in the reader's own zone, and relative ones that go on while the page is open. The words
// are the server's, so that nothing changes where nothing has passed.
const UNITS = [
  [31536000, "y"],
  [2592000, "mo"],
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [5, "s", 1],
];

function ago(seconds) {
  const found = UNITS.find(([from]) => Math.abs(seconds) >= from);
  if (!found) return "just now";
  const [from, unit, divisor = from] = found;
  const count = Math.trunc(seconds / divisor);
  return count < 0 ? `in ${-count} ${unit}` : `${count} ${unit} ago`;
}

function tick(root = document) {
  const now = Date.now();
  for (const time of root.querySelectorAll("time[data-ago]")) {
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) continue;
    time.textContent = ago(Math.trunc((now - at) / 1000));
    time.title = `${new Date(at).toLocaleString()} (${time.dateTime})`;
  }
}
tick();
setInterval(tick, 20_000);

const news = document.querySelector("[data-news]");
const list = document.querySelector("[data-live]");
const issue = document.querySelector("[data-issue-page]")?.dataset.issuePage;
const waiting = document.querySelector("[data-wait-for-first]");
const empty = document.querySelector("[data-empty]");

const unseen = new Set();

function tell(text) {
  if (!news) return;
  news.hidden = false;
  const button = news.querySelector("button");
  button.textContent = text;
  button.onclick = () => location.reload();
}

// This page as it would be now; nothing when it is not to be had, as after a sign-out.
async function anew() {
  const reply = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!reply.ok || reply.redirected) return undefined;
  return new DOMParser().parseFromString(await reply.text(), "text/html");
}

// Rows that are there change in place; new ones are announced, so that nothing moves under the pointer.
async function refresh() {
  const page = await anew();
  if (!page) return;
  tick(page);
  for (const fresh of page.querySelectorAll("[data-live] tr[data-issue]")) {
    const row = list.querySelector(`tr[data-issue="${CSS.escape(fresh.dataset.issue)}"]`);
    if (!row) {
      unseen.add(fresh.dataset.issue);
    } else if (row.innerHTML !== fresh.innerHTML) {
      const hadFocus = row.contains(document.activeElement);
      row.replaceChildren(...fresh.childNodes);
      if (hadFocus) row.querySelector("a")?.focus();
      row.classList.add("fresh");
      setTimeout(() => row.classList.remove("fresh"), 2000);
    }
  }
  if (unseen.size > 0) tell(unseen.size === 1 ? "1 new issue · show" : `${unseen.size} new issues · show`);
}

let timer;
function changed(id) {
  if (waiting && !waiting.hidden) waiting.lastElementChild.textContent = "It has arrived: see the issues";
  if (issue) {
    if (id === issue) tell("New events · show");
  } else if (list) {
    // A storm of changes is one look at the list a second.
    timer ??= setTimeout(() => {
      timer = undefined;
      refresh().catch(() => tell("Something changed · show"));
    }, 1000);
  } else if (empty) {
    location.reload();
  }
}

// What happened while nobody listened is found by looking.
async function catchUp() {
  if (list) return refresh();
  const page = issue || empty ? await anew() : undefined;
  if (!page) return;
  const count = (of) => of.querySelector("[data-count]")?.dataset.count;
  if (issue && count(page) !== count(document)) tell("New events · show");
  if (empty && !page.querySelector("[data-empty]")) location.reload();
}

if (list || issue || empty || waiting) {
  if (waiting) waiting.hidden = false;
  let source;
  let retry;
  // A first error may arrive between a page and its listening.
  let missed = Boolean(empty);
  const look = () => catchUp().catch(() => tell("Something may have changed · show"));
  const open = () => {
    clearTimeout(retry);
    source = new EventSource(`${prefix}/live`);
    source.addEventListener("change", (event) => changed(JSON.parse(event.data).issue));
    source.addEventListener("behind", () => (waiting ? changed() : look()));
    source.addEventListener("open", () => {
      if (missed) look();
      missed = false;
    });
    source.addEventListener("error", (event) => {
      missed = true;
      // A browser tries again by itself, but not after an answer that is no stream, such as a proxy's while
      // the collector restarts.
      if (event.target.readyState === EventSource.CLOSED) retry = setTimeout(open, 30_000);
    });
  };
  // A page that nobody sees holds no connection, of which a browser has six for all its tabs, and catches up
  // when it is looked at. The one that waits for a first error goes on: whoever sends it has left for a shell.
  const follow = () => {
    if (document.hidden && !waiting) {
      clearTimeout(retry);
      source?.close();
      source = undefined;
      missed = true;
    } else if (!source) {
      open();
    }
  };
  follow();
  document.addEventListener("visibilitychange", follow);
}

// Keys, for those who like them; never while something is being typed.
const rows = () => [...document.querySelectorAll("[data-live] tr[data-issue]")];
let chosen = -1;

function choose(step) {
  const all = rows();
  if (all.length === 0) return;
  all[chosen]?.classList.remove("chosen");
  chosen = Math.min(Math.max(chosen + step, 0), all.length - 1);
  all[chosen].classList.add("chosen");
  all[chosen].querySelector("a").focus({ preventScroll: true });
  all[chosen].scrollIntoView({ block: "nearest" });
}

const press = (selector) => document.querySelector(selector)?.click();

function help() {
  const shown = document.querySelector(".keys");
  if (shown) return shown.remove();
  const card = document.createElement("aside");
  card.className = "card keys";
  card.setAttribute("role", "status");
  const lines = [
    ["j k", "next and previous issue"],
    ["Enter", "open it"],
    ["/", "search"],
    ["e", "resolve"],
    ["m", "ignore"],
    ["[ ]", "older and newer event"],
    ["?", "show and hide this"],
  ];
  for (const [keys, what] of lines) {
    const line = document.createElement("div");
    for (const key of keys.split(" ")) {
      const kbd = document.createElement("kbd");
      kbd.textContent = key;
      line.append(kbd, " ");
    }
    line.append(what);
    card.append(line);
  }
  document.body.append(card);
}

const KEYS = {
  j: () => choose(1),
  k: () => choose(-1),
  "/": () => document.querySelector("input[type=search]")?.focus(),
  e: () => press("[data-issue-page] button[value=resolved]"),
  m: () => press("[data-issue-page] button[value=ignored]"),
  "[": () => press("a[rel=prev]"),
  "]": () => press(".steps a[rel=next]"),
  "?": help,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const act = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
