// What the script adds to pages that work without it. A form marked data-swap="#id" is sent in the background
// and that part of the page alone is put in place; what was done, or not done, is said aloud and shown.

const PATIENCE_MS = 20000;
const SHOWN_MS = 6000;

document.documentElement.classList.remove("no-script");

let hush = 0;

/** Says one sentence in the live region; a failure stays until the next word. */
function say(sentence, { failed = false } = {}) {
  const region = document.getElementById("say");
  if (!region) return;
  clearTimeout(hush);
  region.textContent = "";
  region.classList.toggle("failed", failed);
  if (!sentence) return;
  // A change within the same frame as the clearing would not be announced again.
  requestAnimationFrame(() => { region.textContent = sentence; });
  if (!failed) hush = setTimeout(() => { region.textContent = ""; }, SHOWN_MS);
}

/** What the form sends: files as multipart, anything else as an ordinary form. */
function bodyOf(form, submitter) {
  const data = new FormData(form, submitter);
  return form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
}

/** A tick that was not saved must not look as if it were; typed words are kept, to be sent again. */
function putBack(form) {
  for (const box of form.querySelectorAll("[data-autosend]")) {
    if (box.type === "checkbox" || box.type === "radio") box.checked = box.defaultChecked;
    else for (const option of box.options ?? []) option.selected = option.defaultSelected;
  }
}

/** Whether something was typed or chosen in a field that the page did not put there. A button is no field. */
function isTouched(field) {
  if (field.type === "submit") return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected));
  return field.type !== "hidden" && field.type !== "file" && field.value !== field.defaultValue;
}

/** The same form in the new part, known by a field of it. */
function sameForm(form, fresh) {
  const known = [...form.elements].filter((field) => field.id).map((field) => fresh.querySelector(`#${CSS.escape(field.id)}`));
  return known.find((field) => field?.form)?.form;
}

/**
 * What was refused of a form stands in it until it is sent again, or its fold is closed: another click that succeeds is
 * not to look as if this one had.
 */
function keepRefused(form, again) {
  if (again.hasAttribute("data-refused")) return;
  again.dataset.refused = form.dataset.refused;
  const told = form.querySelector(".error")?.cloneNode(true) ?? document.createElement("p");
  if (!told.hasChildNodes()) Object.assign(told, { className: "error", textContent: form.dataset.refused });
  again.prepend(told);
}

/**
 * What was typed in other forms than the one that was sent stands in the new part too, with the version that its writer
 * saw: where somebody else changed the same thing meanwhile, they are told when they send it. So does what was meant by
 * one that a rule refused, which the page itself put into its fields.
 */
function keepTyped(old, fresh, sent) {
  for (const form of old.querySelectorAll("form")) {
    const refused = form !== sent && form.hasAttribute("data-refused");
    const kept = (field) => field.name && (isTouched(field) || (refused && !["hidden", "submit", "file"].includes(field.type)));
    const touched = form === sent ? [] : [...form.elements].filter(kept);
    const again = touched.length || refused ? sameForm(form, fresh) : null;
    if (!again) continue;
    if (refused) keepRefused(form, again);
    for (const field of touched) {
      const others = [...again.elements].filter((one) => one.name === field.name);
      if (field.type === "radio" || field.type === "checkbox") {
        for (const one of others) if (one.value === field.value) one.checked = field.checked;
      } else if (others.length === 1) others[0].value = field.value;
    }
    const [was, seen] = [form, again].map((one) => one.elements.namedItem("seen"));
    if (was && seen) seen.value = was.value;
    const fold = again.closest("details");
    if (fold && form.closest("details")?.open) fold.open = true;
  }
}

/** The ids of a thing and of what is around it, the nearest first. */
function trailOf(thing) {
  const ids = [];
  for (let one = thing; one; one = one.parentElement) if (one.id) ids.push(one.id);
  return ids;
}

/** The nearest thing around the one that had the focus that is there still, and can be seen; else the part itself. */
function placeOf(trail, fresh) {
  const found = trail.map((id) => fresh.querySelector(`#${CSS.escape(id)}`));
  const place = found.find((one) => one && !one.closest("details:not([open]) > .disclosed")) ?? fresh;
  return place.matches("details") ? place.querySelector("summary") : place;
}

/** Elsewhere than around the sent form, what was unfolded stays so, unless the answer unfolds another of its group. */
function keepUnfolded(old, fresh, sent) {
  for (const fold of old.querySelectorAll("details[open][id]")) {
    const again = fold.contains(sent) ? null : fresh.querySelector(`#${CSS.escape(fold.id)}`);
    const isTaken = fold.name && fresh.querySelector(`details[open][name="${CSS.escape(fold.name)}"]`);
    if (again && !isTaken) again.open = true;
  }
}

/**
 * Puts the new part in the old one's place, with what was typed where it was, and the focus where it is by now: on a
 * slow line people go on before the answer is there. Where the browser dropped it, it goes where it was at the sending.
 */
function replacePart(old, fresh, trail, sent) {
  const now = document.activeElement;
  const going = now === document.body ? trail : old.contains(now) ? trailOf(now) : null;
  keepUnfolded(old, fresh, sent);
  keepTyped(old, fresh, sent);
  old.replaceWith(fresh);
  if (!going) return;
  const next = placeOf(going, fresh);
  if (next.tabIndex < 0 && !next.hasAttribute("tabindex")) next.setAttribute("tabindex", "-1");
  next.focus({ preventScroll: true });
}

/**
 * Nothing is saved yet: the words that were pointed at are looked at in the place of the page. Then the page is there
 * again, with all that was typed in its other forms, and its form is sent with the words as they are by now.
 */
function showPointedPage(page, form, submitter) {
  const main = document.getElementById("main");
  const before = [...main.childNodes];
  const comeBack = () => main.replaceChildren(...before);
  main.replaceChildren(...[...page.querySelector("#main").childNodes].map((one) => document.adoptNode(one)));
  const block = main.querySelector("[data-pointed]");
  const asked = block.querySelector("form");
  asked.addEventListener("submit", (event) => {
    event.preventDefault();
    takeWords(asked, form);
    const wordsSeen = event.submitter?.name ? [event.submitter.name, event.submitter.value] : null;
    comeBack();
    (submitter ?? form).focus?.();
    send(form, submitter, wordsSeen);
  });
  block.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    takeWords(asked, form);
    comeBack();
    (submitter ?? form).focus?.();
  });
  say(block.dataset.say, { failed: true });
  block.querySelector("textarea, button").focus();
}

/** Writes what is corrected, field by field, and a file that was chosen again, into the form that was sent. */
function takeWords(asked, form) {
  const named = (one, name) => [...one.elements].filter((field) => field.name === name && field.type !== "submit");
  for (const field of asked.querySelectorAll("textarea, input[type=file]")) {
    const own = named(form, field.name)[named(asked, field.name).indexOf(field)];
    if (!own) continue;
    if (field.type !== "file") own.value = field.value;
    else if (field.files.length) own.files = field.files;
  }
}

/** One of several forms was saved, each for one thing: who stayed in it goes on to the next thing that waits. */
function goOn(sent, fresh) {
  if (!sent.dataset.turn) return;
  const forms = [...fresh.querySelectorAll("form[data-turn]")];
  const here = forms.findIndex((one) => one.dataset.turn === sent.dataset.turn);
  const next = [...forms.slice(here + 1), ...forms.slice(0, here + 1)].find((one) => one.hasAttribute("data-waits"));
  if (!next) return;
  next.closest("details").open = true;
  next.querySelector("textarea, select, input:not([type=hidden])").focus();
}

/** Sends one form; resolves when the page shows the outcome, whatever it was. */
async function send(form, submitter, wordsSeen = null) {
  const selector = form.dataset.swap;
  const trail = trailOf(document.activeElement);
  const body = bodyOf(form, submitter);
  if (wordsSeen) body.set(...wordsSeen);
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(submitter?.hasAttribute("formaction") ? submitter.formAction : form.action, {
      method: "POST",
      body,
      headers: { "X-Part": selector.slice(1), Accept: "text/html" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector(selector);
    const old = document.querySelector(selector);
    if (fresh && old) {
      const word = (fresh.matches("[data-say]") ? fresh : page.querySelector("[data-say]"))?.dataset.say;
      if (!answer.ok) for (const one of fresh.querySelectorAll("form[data-refused]")) one.dataset.refused ||= word ?? "";
      const isHere = form.contains(document.activeElement) || document.activeElement === document.body;
      replacePart(old, document.adoptNode(fresh), trail, form);
      if (answer.ok && isHere) goOn(form, fresh);
      const refused = answer.ok ? fresh.querySelector("form[data-refused]")?.dataset.refused : "";
      say(refused ? `${word ?? ""} ${document.body.dataset.unsettled} ${refused}` : word ?? "", { failed: !answer.ok || Boolean(refused) });
    } else if (page.querySelector("[data-pointed]")) {
      showPointedPage(page, form, submitter);
    } else if (answer.ok) {
      // Somewhere else now: the thing was closed, or someone must sign in again.
      location.assign(answer.url);
    } else {
      putBack(form);
      say(page.querySelector("[role=alert]")?.textContent.trim().replace(/\s+/g, " ") || document.body.dataset.failed, { failed: true });
    }
  } catch {
    putBack(form);
    say(document.body.dataset.failed, { failed: true });
  } finally {
    form.removeAttribute("aria-busy");
  }
}

addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault(); // the second click of a double click
  } else if (form.dataset.swap) {
    event.preventDefault();
    send(form, event.submitter);
  } else {
    form.setAttribute("aria-busy", "true");
  }
});

/** What is typed in a form marked data-autosave="the word to say" is saved after a pause, as its own button would. */
const PAUSE_MS = 1500;
const saving = new WeakMap(); // of each such form: the pause that runs, and the request that is under way

async function saveNow(form) {
  const body = bodyOf(form);
  body.set("do", "save");
  try {
    const answer = await fetch(form.action, {
      method: "POST", body, headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("form[data-autosave]");
    if (answer.ok && fresh) {
      // The first save made the draft: from here on it has an address and a version of its own.
      form.action = fresh.getAttribute("action");
      form.elements.namedItem("seen").value = fresh.elements.namedItem("seen").value;
      history.replaceState(null, "", answer.url);
      say(form.dataset.autosave);
    } else {
      say(page.querySelector("[role=alert]")?.textContent.trim().replace(/\s+/g, " ") || document.body.dataset.failed, { failed: true });
    }
  } catch {
    say(document.body.dataset.failed, { failed: true });
  }
}

function saveSoon(form) {
  const state = saving.get(form) ?? {};
  saving.set(form, state);
  clearTimeout(state.pause);
  state.pause = setTimeout(async () => {
    await state.request; // one at a time: each needs the version that the one before made
    if (state.sends) return;
    state.request = saveNow(form).finally(() => { state.request = null; });
  }, PAUSE_MS);
}

addEventListener("input", (event) => {
  const form = event.target.form;
  if (form?.dataset.autosave) saveSoon(form);
});

// Sent while a save is under way: after it, with the version that it made.
addEventListener("submit", (event) => {
  const state = saving.get(event.target);
  if (!state) return;
  clearTimeout(state.pause);
  if (!state.request) return;
  event.preventDefault();
  const { target, submitter } = event;
  if (state.sends) return; // the second click of a double click
  state.sends = true;
  // A form that is being sent is not sent again from within: the next task is the first that may.
  state.request.then(() => setTimeout(() => { saving.delete(target); target.requestSubmit(submitter); }));
}, { capture: true });

/**
 * What is typed is looked at after a pause, for the shape of a name, alike for everyone. It is an offer: where it cannot
 * be asked now, the words are looked at when they are saved.
 */
const LOOK_MS = 800;
const looking = new WeakMap(); // of each field: the pause that runs

async function lookAt(field) {
  const text = field.value;
  let said = "";
  try {
    if (text.trim()) {
      const answer = await fetch("/words", {
        method: "POST", body: new URLSearchParams({ field: field.name, text }), signal: AbortSignal.timeout(PATIENCE_MS),
      });
      if (!answer.ok || answer.redirected) return;
      said = (await answer.json()).said;
    }
  } catch {
    return;
  }
  if (field.value !== text || !field.isConnected) return;
  const line = field.parentElement.querySelector(":scope > .pointed-at");
  if (line) line.textContent = said;
  else if (said) {
    const fresh = document.createElement("p");
    fresh.className = "pointed-at";
    fresh.setAttribute("role", "status");
    field.after(fresh);
    // A region is heard when it changes, and not when it comes.
    requestAnimationFrame(() => { fresh.textContent = said; });
  }
}

addEventListener("input", (event) => {
  const field = event.target;
  if (!field.matches?.("textarea, input[type=text]") || field.form?.method !== "post" || !document.querySelector(".me")) return;
  clearTimeout(looking.get(field));
  looking.set(field, setTimeout(() => lookAt(field), LOOK_MS));
});

// Back to a page that was left by sending a form: it may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
});

addEventListener("change", (event) => {
  if (event.target.matches?.("[data-autosend]")) event.target.form?.requestSubmit();
});

/** Who closes the form that was refused has seen why, and does not want it any more. */
function letGo(fold) {
  for (const form of fold.querySelectorAll("form[data-refused]")) {
    form.removeAttribute("data-refused");
    form.querySelector(".error")?.remove();
  }
}

// A fold that is opened is about to be written in; Escape closes it and goes back to its button.
addEventListener("click", (event) => {
  const fold = event.target.closest?.("summary")?.parentElement;
  if (fold?.open) letGo(fold);
  if (!fold?.matches(".disclosure") || fold.open) return;
  const was = document.activeElement;
  setTimeout(() => {
    // Who went on meanwhile keeps their place: what they type would go into another field.
    if (document.activeElement === was) fold.querySelector("textarea, select, input:not([type=hidden])")?.focus();
  }, 0);
});

// Ctrl+Enter (or Command+Enter) in a field of such a form sends it as its first button does: no letter is taken from who
// types, and nothing that a screen reader listens for.
addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.altKey || event.repeat || event.isComposing) return;
  const form = event.target.form;
  const first = form?.dataset.swap && form.querySelector("button.primary");
  if (!first || event.target.matches("button")) return;
  event.preventDefault();
  form.requestSubmit(first);
});

addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const fold = event.target.closest?.(".disclosure[open]");
  if (!fold) return;
  letGo(fold);
  fold.open = false;
  fold.querySelector("summary").focus();
});

/** What folds where there is little room stands open where there is more, and where an address leads into it. */
const unfold = () => {
  const led = document.getElementById(location.hash.slice(1));
  for (const fold of document.querySelectorAll("details.folding")) if (fold.contains(led)) fold.open = true;
  led?.scrollIntoView();
};
if (matchMedia("(width >= 48rem)").matches) for (const fold of document.querySelectorAll("details.folding")) fold.open = true;
else { unfold(); addEventListener("hashchange", unfold); }

/**
 * A part marked data-live="/address" is kept fresh by the events that come from there: each has the part as it is now,
 * and the last one why there are no more. Then the words that only who sits may read leave the window, and what was
 * typed stays in it, marked as not saved.
 */
const COME_BACK_MS = 4000;

function partOf(html) {
  return document.adoptNode(new DOMParser().parseFromString(html, "text/html").body.firstElementChild);
}

function putLive(id, html) {
  const old = document.getElementById(id);
  if (!old || !html) return;
  const fresh = partOf(html);
  if (!fresh || fresh.isEqualNode(old)) return;
  if ("shut" in fresh.dataset) closeWords(id, fresh.dataset);
  const word = fresh.dataset.say;
  const isNews = word && word !== old.dataset.say;
  replacePart(old, fresh, null, null);
  // What was opened of a case goes with its line, as where the participant barred who reads.
  for (const words of document.querySelectorAll("[data-live-of]")) if (!document.getElementById(words.dataset.liveOf)) words.remove();
  if (isNews) say(word);
}

/** What was opened goes; where all of a page was opened for the meeting, all of it. */
function closeWords(id, said) {
  for (const words of document.querySelectorAll("[data-live-words]")) words.remove();
  const part = document.getElementById(id);
  if (said.ends && part) document.getElementById(said.ends)?.replaceChildren(part);
}

/**
 * Nothing more comes: what was opened goes, what was typed stays and says that it was not saved; unless this window alone
 * stands back for others of the same person: then it may still be sent.
 */
function endLive(id, html, said, { isElsewhere = false } = {}) {
  closeWords(id, said);
  if (html) putLive(id, html);
  else document.getElementById(id)?.replaceChildren(Object.assign(document.createElement("p"), { textContent: said.lost }));
  for (const form of isElsewhere ? [] : document.querySelectorAll("form")) {
    if (form.method !== "post" || ![...form.elements].some(isTouched)) continue;
    const told = Object.assign(document.createElement("p"), { className: "error", textContent: said.unsaved ?? said.lost });
    form.dataset.refused = told.textContent;
    form.prepend(told);
    say(told.textContent, { failed: true });
  }
}

/** So long what was opened stays beside a line that is gone: nobody can tell whether the meeting still sits. */
const UNSURE_MS = 120000;

/** So long a stream may say nothing: it says that it lives more often than twice in this time. */
const SILENT_MS = 45000;

function follow(id, address, said) {
  let source = null;
  let isOver = false;
  let silence = 0;
  let unsure = 0;
  const show = (name, html) => {
    stayFresh();
    if (name === "shown") putLive(id, html);
    else if (name !== "here") {
      close();
      isOver = true;
      clearTimeout(silence);
      clearTimeout(unsure);
      endLive(id, html, said, { isElsewhere: name === "elsewhere" });
    }
  };
  /** What is shown is as it was: the page says so until it is fresh again, whatever else is said meanwhile. */
  const goAway = () => {
    const part = document.getElementById(id);
    if (isOver || !part || part.classList.contains("is-away")) return;
    part.classList.add("is-away");
    unsure = setTimeout(() => closeWords(id, said), UNSURE_MS);
    say(said.away, { failed: true });
  };
  const stayFresh = () => {
    const part = document.getElementById(id);
    if (part?.classList.contains("is-away")) say("");
    part?.classList.remove("is-away");
    clearTimeout(silence);
    clearTimeout(unsure);
    // A line that is dead may look alive for as long as nobody sends anything.
    silence = setTimeout(() => { goAway(); close(); lookAgain(); }, SILENT_MS);
  };
  const open = () => {
    if (source || isOver) return;
    if (!window.EventSource) { lookAgain(); return; }
    source = new EventSource(address);
    for (const name of ["shown", "here", "ended", "elsewhere"]) source.addEventListener(name, (event) => show(name, event.data));
    source.addEventListener("error", () => {
      goAway();
      if (source?.readyState === EventSource.CLOSED) { close(); lookLater(); }
    });
  };
  const close = () => { source?.close(); source = null; };
  let later = 0;
  const lookLater = () => { clearTimeout(later); later = setTimeout(lookAgain, COME_BACK_MS); };
  /**
   * Asks once for what the stream would begin with. A browser gives up on an answer that is no stream: whether this is
   * still ours to read, the answer says. One without streams goes on asking.
   */
  const lookAgain = async () => {
    if (isOver || source || document.hidden && !mayHaveToGo()) return;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/plain" }, signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.status >= 500) { goAway(); lookLater(); return; }
      if (!answer.ok || answer.redirected) { show("ended", ""); return; }
      const lines = (await answer.text()).split("\n");
      const after = (word) => lines.filter((line) => line.startsWith(word)).map((line) => line.slice(word.length)).join("\n");
      show(after("event: "), after("data: "));
      if (window.EventSource) open();
      else lookLater();
    } catch {
      goAway();
      lookLater();
    }
  };
  const mayHaveToGo = () => said.ends || document.querySelector("[data-live-words]");
  // A page that nobody sees asks for nothing, unless it shows words that may have to go.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) open();
    else if (!mayHaveToGo()) { close(); clearTimeout(silence); }
  });
  addEventListener("offline", goAway);
  addEventListener("online", () => { if (!isOver) { close(); lookAgain(); } });
  open();
}

for (const part of document.querySelectorAll("[data-live]")) follow(part.id, part.dataset.live, { ...part.dataset });

// Back to a page that is kept fresh: it may be anybody's by now.
addEventListener("pageshow", (event) => { if (event.persisted && document.querySelector("[data-live]")) location.reload(); });
