// Saves the rows of weeks while they are typed. What is not saved yet is kept in this browser, sealed under a key that
// the program gives to this person and sign-in alone: a copy of the device's storage says nothing. It is saved by itself
// when the connection is back, also after the page was loaded again.

const PAUSE_MS = 1000;
const AGAIN_MS = 5000;
const PATIENCE_MS = 15000;
const KEPT = "week";
const FIRST = "input:not([type=hidden])"; // of the fields of a row

const root = document.getElementById("weeks");
const words = root.dataset;
const labels = JSON.parse(words.labels); // of what people write, by its fields
const rows = new Map(); // by follow-up and week, as their forms say it
const bytes = new TextEncoder();
let place = ""; // of this window, among those of this browser
let key = null;
let whose = null;
let isStranger = false;

/** What a form says, by the names and types of the API. */
function read(form) {
  const said = { communications: [] };
  for (const field of form.elements) {
    if (!field.name || ["seen", "back", "opened", "complete", "confirmed"].includes(field.name)) continue;
    if (field.name === "communications") {
      if (field.checked) said.communications.push(field.value);
    } else if (field.type === "number") said[field.name] = Number.parseInt(field.value || "0", 10);
    else said[field.name] = field.tagName === "SELECT" ? field.value || null : field.value;
  }
  return said;
}

/** Puts what was kept, or what the week before said, into the fields of a form. */
function write(form, said) {
  for (const [name, value] of Object.entries(said)) {
    for (const field of form.querySelectorAll(`[name="${name}"]`)) {
      if (field.type === "checkbox") field.checked = value.includes(field.value);
      else field.value = value ?? "";
    }
  }
  fit(form);
}

/** Who met needs no reason why not. */
function fit(form) {
  const said = read(form);
  form.toggleAttribute("data-met", said.met > 0 && !said.why_none);
}

const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** What was typed since the row was last saved, also words that an earlier page kept and this one leaves sealed. */
function changesOf(row) {
  const typed = Object.entries(read(row.form)).filter(([name, value]) => !isSame(value, row.saved[name]));
  return { ...row.unshown, ...Object.fromEntries(typed) };
}

/** Puts what was typed back into a row; of words that it leaves sealed, beside it. */
function fill(row, said) {
  write(row.form, said);
  const hasField = (name) => row.form.querySelector(`[name="${name}"]`);
  row.unshown = Object.fromEntries(Object.entries(said).filter(([name]) => isWords(name) && !hasField(name)));
}

const isWords = (name) => name in labels;

const isChanged = (row) => Object.keys(changesOf(row)).length > 0;

// --------------------------------------------------------------------------------------------- what is kept, sealed

const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const toBytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

/** Takes the key of a sign-in, where this browser can seal at all. */
async function takeKey(given) {
  whose = given.person;
  const raw = Uint8Array.from(given.key.match(/../g), (two) => Number.parseInt(two, 16));
  key = crypto.subtle ? await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]) : null;
}

/** Asks for the key of the sign-in of now. Says whether it is of the person who opened the page. */
async function askKey() {
  const answer = await fetch(words.key, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok || answer.redirected) return false;
  const given = await answer.json();
  if (given.person !== whose) forgetEverything();
  else await takeKey(given);
  return !isStranger;
}

/** Several windows of one browser share what it keeps: each has a place of its own, and holds it while it is open. */
async function takePlace() {
  place = sessionStorage.getItem(KEPT) ?? "";
  while (navigator.locks) {
    place ||= toText(crypto.getRandomValues(new Uint8Array(9)));
    const mine = place;
    const isMine = await new Promise((resolve) => {
      navigator.locks.request(`${KEPT} ${mine}`, { ifAvailable: true }, (lock) => {
        resolve(Boolean(lock));
        return lock ? new Promise(() => {}) : null;
      });
    });
    if (isMine) break;
    place = ""; // a copy of a window has what that one noted, and needs its own
  }
  sessionStorage.setItem(KEPT, place);
}

const nameOf = (row) => `${KEPT} ${place} ${row.id}`;

/** Somebody else signed in on this device: what was typed is not theirs to see, nor to save. */
function forgetEverything() {
  isStranger = true;
  for (const row of rows.values()) {
    if (isChanged(row)) {
      fill(row, row.saved);
      row.unshown = {};
      tell(row, words.stranger);
    }
    localStorage.removeItem(nameOf(row));
  }
}

/** Keeps a row until it is saved, as it is by now: sealings of one row go one after the other. */
function keep(row) {
  row.keeping = (row.keeping ?? Promise.resolve()).then(() => seal(row)).catch(() => {});
  return row.keeping;
}

async function seal(row) {
  const changes = changesOf(row);
  if (!Object.keys(changes).length) {
    localStorage.removeItem(nameOf(row));
    return;
  }
  if (!key) return;
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const about = { name: "AES-GCM", iv, additionalData: bytes.encode(row.id) };
  const sealed = await crypto.subtle.encrypt(about, key, bytes.encode(JSON.stringify({ seen: row.seen, saved: row.saved, changes })));
  localStorage.setItem(nameOf(row), `${toText(iv)} ${toText(sealed)}`);
}

async function open(id, kept) {
  const [iv, sealed] = kept.split(" ").map(toBytes);
  const clear = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: bytes.encode(id) }, key, sealed);
  return JSON.parse(new TextDecoder().decode(clear));
}

/** What an earlier page of this sign-in kept: into its row, or saved from here where its week is not shown. */
async function restore() {
  const held = navigator.locks ? (await navigator.locks.query()).held.map((one) => one.name) : [];
  for (const name of Object.keys(localStorage).filter((one) => one.startsWith(`${KEPT} `))) {
    const [, owner, id] = name.split(" ");
    if (owner !== place && held.includes(`${KEPT} ${owner}`)) continue; // that window saves it
    const row = rows.get(id);
    let found;
    try {
      found = await open(id, localStorage.getItem(name));
    } catch {
      localStorage.removeItem(name); // of a sign-in that has ended: nobody can open it
      if (row) tell(row, words.lost);
      continue;
    }
    if (!row) {
      await saveElsewhere(name, id, found);
      continue;
    }
    fill(row, found.changes);
    if (isChanged(row) && row.seen !== found.seen) {
      // Somebody wrote the week meanwhile: what stood when it was typed tells what they changed.
      Object.assign(row, { seen: found.seen, saved: found.saved });
      fill(row, { ...found.saved, ...found.changes });
      row.unshown = Object.fromEntries(Object.entries(row.unshown).filter(([word]) => word in found.changes));
    }
    await keep(row);
    if (owner !== place) localStorage.removeItem(name);
    if (isChanged(row)) save(row);
  }
}

async function saveElsewhere(name, id, found) {
  const [followUp, week] = id.split("/");
  const answer = await put(`/api/v1/follow-ups/${followUp}/notes/${week}`, { ...found.changes, seen: found.seen, complete: null });
  if (answer?.ok) {
    localStorage.removeItem(name);
    return;
  }
  const line = root.querySelector(".elsewhere") ?? root.insertBefore(Object.assign(document.createElement("p"), { className: "elsewhere", textContent: `${words.elsewhere} ` }), root.firstChild);
  line.append(Object.assign(document.createElement("a"), { href: `/follow-ups/${followUp}/weeks#row-${followUp}-${week}`, textContent: week }), " ");
}

// -------------------------------------------------------------------------------------------------------- what is saved

function put(address, said, headers = {}) {
  return fetch(address, {
    method: "PUT",
    body: JSON.stringify(said),
    headers: { "Content-Type": "application/json", Accept: "application/json", ...headers },
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).catch(() => null);
}

/** Saves what was typed in a row. `complete` says that it is complete, or is not; null leaves that as it is. */
async function save(row, { complete = null, wordsSeen = false } = {}) {
  clearTimeout(row.pause);
  row.wanted = complete ?? row.wanted ?? null;
  row.wordsSeen ||= wordsSeen;
  if (row.isSending || isStranger) return;
  const changes = changesOf(row);
  if (!Object.keys(changes).length && row.wanted === null) {
    show(row, "saved");
    return;
  }
  row.isSending = true;
  const [wanted, seenWords] = [row.wanted, row.wordsSeen];
  [row.wanted, row.wordsSeen] = [null, false];
  show(row, "saving");
  const said = { ...changes, complete: wanted, seen: row.seen, confirmed: row.form.elements.namedItem("confirmed").checked };
  const answer = await put(`/api/v1${new URL(row.form.action).pathname}`, said, seenWords ? { "Words-Seen": "yes" } : {});
  row.isSending = false;
  if (answer?.ok && !answer.redirected) return taken(row, changes, await answer.json());
  const isOut = answer?.status === 401;
  if (!answer || isOut || answer.status === 429 || answer.status >= 500) {
    row.wanted ??= wanted;
    show(row, isOut ? "out" : key ? "unsaved" : "unkept");
    row.pause = setTimeout(() => again(row), AGAIN_MS);
    return;
  }
  refused(row, answer.status, await answer.json().catch(() => ({})), wanted);
}

function taken(row, changes, note) {
  Object.assign(row.saved, changes);
  row.unshown = Object.fromEntries(Object.entries(row.unshown).filter(([name, value]) => value !== changes[name]));
  row.seen = note.version;
  row.form.elements.namedItem("seen").value = note.version;
  row.form.querySelector("[data-start]")?.classList.add("is-used"); // what is below it stays under the thumb
  row.isComplete = note.is_complete;
  tell(row, "");
  long(row, false);
  keep(row);
  if (isChanged(row) || row.wanted !== null) saveSoon(row);
  else show(row, "saved");
  if (!row.next || !note.is_complete) return;
  row.next();
  row.next = null;
}

/** A rule says no: what was typed stays in the row, and is kept, until it is mended. */
function refused(row, status, said, wanted) {
  row.next = null;
  show(row, key ? "refused" : "unkept");
  if (status === 404 || status === 403) {
    localStorage.removeItem(nameOf(row));
    tell(row, words.gone);
  } else if (said.code === "note.changed") conflict(row, said.detail, wanted);
  else if (said.code === "words.shape") {
    tell(row, words.shape, [[root.dataset.asItIs, () => save(row, { complete: wanted, wordsSeen: true })]]);
  } else {
    long(row, said.code === "minutes.long");
    const wrong = row.form.elements.namedItem(said.errors?.[0]?.where.split(".")[1] ?? "")?.labels?.[0];
    tell(row, (wrong ? `${wrong.firstChild.textContent.trim()} – ` : "") + (said.detail ?? document.body.dataset.failed));
    if (said.code === "minutes.long") row.afterConfirming = wanted;
  }
}

/** Somebody else, or another window, wrote the same week: both are shown, and nothing is overwritten without a word. */
async function conflict(row, sentence, wanted) {
  const [followUp, week] = row.id.split("/");
  const theirs = (await get(`/api/v1/follow-ups/${followUp}`))?.notes.find((one) => one.week === week);
  if (!theirs) {
    tell(row, sentence);
    return;
  }
  if (!theirs.has_words) Object.assign(theirs, noWords);
  else if (Object.keys(changesOf(row)).some(isWords)) {
    tell(row, `${sentence} ${inSentences(row, theirs)} ${words.sealedToo}`, [[words.showTheirs, () => showTheirs(row, theirs, wanted)], takesTheirs(row)]);
    return;
  }
  choose(row, sentence, theirs, wanted);
}

const noWords = Object.fromEntries(Object.keys(labels).map((name) => [name, ""]));
const get = (address) => fetch(address, { headers: { Accept: "application/json" } }).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);

/** Opens the words that they wrote, which is on record, beside those of this row. */
async function showTheirs(row, theirs, wanted) {
  const [followUp, week] = row.id.split("/");
  const said = await get(`/api/v1/follow-ups/${followUp}/notes/${week}`);
  if (said) choose(row, "", { ...theirs, ...noWords, ...said }, wanted);
  else tell(row, document.body.dataset.failed, [[words.showTheirs, () => showTheirs(row, theirs, wanted)], takesTheirs(row)]);
}

/** Shows what they changed, and lets choose: both, theirs, or what was typed here. */
function choose(row, sentence, theirs, wanted) {
  tell(row, `${sentence} ${inSentences(row, theirs)}`.trim(), [
    [words.keepBoth, () => keepBoth(row, theirs, wanted)],
    takesTheirs(row),
    [words.saveMine, () => { row.seen = theirs.version; save(row, { complete: wanted }); }],
  ]);
}

const takesTheirs = (row) => [words.takeTheirs, () => { localStorage.removeItem(nameOf(row)); row.isLeft = true; location.reload(); }];

/** Theirs where nothing was typed here, and words of both one below the other. A number is what was typed here. */
function keepBoth(row, theirs, wanted) {
  const mine = changesOf(row);
  const known = Object.fromEntries(Object.entries(theirs).filter(([name]) => name in row.saved || name in mine));
  const both = Object.entries(mine).map(([name, value]) => [name, isWords(name) ? withTheirs(name, known[name], value, row) : value]);
  Object.assign(row.saved, known);
  row.seen = theirs.version;
  fill(row, { ...row.saved, ...Object.fromEntries(both) });
  row.unshown = Object.fromEntries(Object.entries(row.unshown).filter(([name]) => name in mine));
  keep(row).then(() => save(row, { complete: wanted }));
}

function withTheirs(name, theirs, mine, row) {
  if (!theirs || theirs === row.saved[name] || mine.includes(theirs)) return mine;
  const isLine = row.form.querySelector(`[name="${name}"]`)?.tagName === "INPUT";
  return theirs.includes(mine) ? theirs : `${theirs}${isLine ? " / " : "\n\n"}${mine}`;
}

/** What they changed, by the names of its fields. */
function inSentences(row, theirs) {
  const other = Object.keys(theirs).filter((name) => (name in row.saved || isWords(name)) && !isSame(theirs[name], row.saved[name] ?? (isWords(name) ? "" : null)));
  const colon = document.documentElement.lang.startsWith("fr") ? "\u00a0: " : ": ";
  const said = (names) => names.map((name) => `${labelOf(row, name)}${colon}${inWords(row, name, theirs[name])}`);
  const chosen = said(other.filter((name) => !isWords(name)));
  const first = chosen.length ? words.theirs.replace("{said}", chosen.join("; ")) : words.same;
  return [first, ...said(other.filter(isWords))].join("\n");
}

function labelOf(row, name) {
  if (isWords(name)) return labels[name];
  const field = row.form.querySelector(`[name="${name}"]`);
  const label = field.closest("fieldset")?.querySelector("legend") ?? field.labels[0];
  return label.firstChild.textContent.trim();
}

function inWords(row, name, value) {
  if (isWords(name)) return value || "–";
  const fields = [...row.form.querySelectorAll(`[name="${name}"]`)];
  if (fields[0].tagName === "SELECT") return [...fields[0].options].find((one) => one.value === (value ?? "")).textContent;
  if (fields[0].type === "checkbox") return fields.filter((one) => value.includes(one.value)).map((one) => one.labels[0].textContent.trim()).join(", ") || "–";
  return String(value);
}

/** Tried again by itself. After a sign-in that ended, only for the person who typed it. */
async function again(row) {
  if (row.state === "out" && !(await askKey().catch(() => false))) {
    if (!isStranger) row.pause = setTimeout(() => again(row), AGAIN_MS);
    return;
  }
  await keep(row);
  save(row);
}

function saveSoon(row) {
  clearTimeout(row.pause);
  row.pause = setTimeout(() => save(row), PAUSE_MS);
}

// -------------------------------------------------------------------------------------------------------- what is shown

/** How a row stands, beside its number. */
function show(row, state) {
  row.state = state;
  row.form.dataset.state = state;
  const line = row.form.querySelector(".row-state");
  const said = state === "saved" ? (row.isComplete ? words.complete : words.unfinished) : words[state] ?? "";
  if (line.textContent.trim() !== said) line.textContent = said;
}

/** What is said of a row, with what may be done about it. */
function tell(row, sentence, acts = []) {
  const place = row.form.querySelector(".row-told");
  place.replaceChildren();
  if (!sentence) return;
  place.append(Object.assign(document.createElement("p"), { className: "error", textContent: sentence }));
  for (const [label, act] of acts) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: label });
    button.addEventListener("click", () => { tell(row, ""); act(); });
    place.append(button);
  }
}

/** Asks whether the meetings were so long, or no longer does. */
function long(row, isAsked) {
  row.form.querySelector(".long-meeting").hidden = !isAsked;
  if (!isAsked) row.form.elements.namedItem("confirmed").checked = false;
}

// ------------------------------------------------------------------------------------------------------------ the rows

for (const form of root.querySelectorAll("form[data-week]")) {
  const row = {
    id: form.dataset.week,
    form,
    saved: read(form),
    unshown: {},
    seen: Number.parseInt(form.elements.namedItem("seen").value, 10),
    isComplete: form.querySelector(".row-state").dataset.complete === "yes",
    state: "",
  };
  rows.set(row.id, row);

  form.addEventListener("input", (event) => {
    if (event.target.name === "confirmed") {
      if (event.target.checked) save(row, { complete: row.afterConfirming ?? null });
      return;
    }
    if (["met", "minutes"].includes(event.target.name)) long(row, false);
    if (row.state !== "out") show(row, row.state === "unsaved" || row.state === "unkept" ? row.state : "saving");
    fit(form);
    keep(row);
    saveSoon(row);
  });

  form.querySelector("details").addEventListener("toggle", (event) => {
    // The row above has closed, and what is opened may have gone up with it.
    if (event.target.open && form.getBoundingClientRect().top < 0) form.scrollIntoView();
  });
  fit(form);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const isComplete = event.submitter?.value !== "no";
    row.next = isComplete ? () => goOn(form) : null;
    save(row, { complete: isComplete });
  });

  form.querySelector("[data-start]")?.addEventListener("click", (event) => {
    event.preventDefault();
    write(form, JSON.parse(event.currentTarget.dataset.start));
    if (!event.detail) form.querySelector(FIRST).focus(); // by keyboard: a thumb would open the one on the screen
    form.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

/** From a complete row to the next one that is not, or else from all of them. */
function goOn(form) {
  const all = [...rows.values()];
  const next = all.slice(all.findIndex((one) => one.form === form)).find((one) => !one.isComplete);
  if (next) enter(next.form, FIRST);
  else {
    form.querySelector("details").open = false;
    form.querySelector("summary").focus();
  }
}

/** Opens a row at one of its fields, which closes the one that was open. */
function enter(form, field) {
  form.querySelector("details").open = true;
  form.querySelector(field)?.focus();
}

// Ctrl+Enter (or Command+Enter) completes a row and goes on to the next; with Alt and an arrow one goes to the same
// field of the row above or below.
root.addEventListener("keydown", (event) => {
  const form = event.target.form;
  if (!form?.dataset.week) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.stopPropagation();
    form.requestSubmit();
  } else if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    event.preventDefault();
    const all = [...rows.values()].map((one) => one.form);
    const to = all[all.indexOf(form) + (event.key === "ArrowDown" ? 1 : -1)];
    if (to) enter(to, `[name="${event.target.name}"]`);
  }
});

addEventListener("online", () => { for (const row of rows.values()) if (["unsaved", "unkept"].includes(row.state)) again(row); });
addEventListener("visibilitychange", () => { for (const row of rows.values()) if (row.state === "out" && !document.hidden) again(row); });
addEventListener("beforeunload", (event) => {
  if (isStranger || ![...rows.values()].some((row) => !row.isLeft && (row.isSending || isChanged(row)))) return;
  event.preventDefault(); // the browser asks in its own words
});

const asked = rows.get(location.hash.slice(1).replace(/^row-(.{36})-/, "$1/"));
if (asked) asked.form.querySelector("details").open = true;

const given = { key: words.seal, person: words.person };
root.removeAttribute("data-seal");
Promise.all([takeKey(given), takePlace()]).then(() => key && restore()).catch(() => {});
