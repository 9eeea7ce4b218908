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

// Absolute times in the reader's own zone.
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.getTime())) time.title = `${at.toLocaleString()} (${time.dateTime})`;
}

const news = document.querySelector("[data-news]");
const list = document.querySelector("[data-live]");
const issue = document.querySelector("[data-issue-page]")?.dataset.issuePage;
const waiting = document.querySelector("[data-wait-for-first]");
const empty = document.querySelector(".empty");

const unseen = new Set();

function tell(text) {
  if (!news) return;
  news.hidden = false;
  const button = news.querySelector("button");
  button.textContent = text;
  button.onclick = () => location.reload();
}

// Rows that are there change in place; new ones are announced, so that nothing moves under the pointer.
async function refresh() {
  const reply = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!reply.ok || reply.redirected) return;
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  for (const fresh of page.querySelectorAll("[data-live] tr[data-issue]")) {
    const row = list.querySelector(`tr[data-issue="${CSS.escape(fresh.dataset.issue)}"]`);
    if (row) {
      if (row.innerHTML !== fresh.innerHTML) {
        row.replaceChildren(...fresh.childNodes);
        row.classList.add("fresh");
        setTimeout(() => row.classList.remove("fresh"), 2000);
      }
    } else {
      unseen.add(fresh.dataset.issue);
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
    clearTimeout(timer);
    timer = setTimeout(() => refresh().catch(() => tell("Something changed · show")), 400);
  } else if (empty) {
    location.reload();
  }
}

if (list || issue || empty || waiting) {
  if (waiting) waiting.hidden = false;
  let source;
  const open = () => {
    source = new EventSource(`${prefix}/live`);
    source.addEventListener("change", (event) => changed(JSON.parse(event.data).issue));
    source.addEventListener("behind", () => changed(issue));
  };
  open();
  // A hidden page listens to nothing and catches up when it is looked at again.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source.close();
    } else if (source.readyState === EventSource.CLOSED) {
      open();
      if (list) refresh().catch(() => {});
    }
  });
}
