// Looks at pages of the report in headless Chromium. Called by browser_test.go:
//   node browser.mjs <folder with node_modules> <chromium> <folder of pages>
// Prints one line per fault and exits 1 if there is any.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [modules, chromium, pages] = process.argv.slice(2);
const need = createRequire(join(modules, "package.json"));
const axeSource = readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");
const browser = await need("playwright-core").chromium.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

let faults = 0, judged = 0, serious = 0;
function check(ok, what) {
  if (!ok) { faults++; console.log("FAULT " + what); }
}

// open loads a page and reports whatever it should not do: dialogs, requests, errors, refusals of its own policy.
async function open(name, options) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, ...options });
  const page = await context.newPage();
  const url = "file://" + join(pages, name);
  page.on("dialog", (d) => { check(false, name + ": a dialog: " + d.message()); d.dismiss(); });
  page.on("pageerror", (e) => check(false, name + ": " + e.message));
  page.on("console", (m) => check(m.type() !== "error", name + ": " + m.text().slice(0, 300)));
  page.on("request", (r) => check(r.url().split("#")[0] === url, name + ": asks for " + r.url().slice(0, 200)));
  await page.addInitScript(() => {
    window.bad = [];
    window.alert = (x) => window.bad.push("alert " + x);
    document.addEventListener("securitypolicyviolation", (e) => window.bad.push("policy " + e.violatedDirective + " " + e.sample));
  });
  const session = await context.newCDPSession(page);
  await session.send("Performance.setTimeDomain", { timeDomain: "threadTicks" }); // not the time of others on the machine
  await session.send("Performance.enable");
  await page.goto(url);
  page.busy = async () => (await session.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration").value;
  return page;
}
const bad = (page) => page.evaluate(() => window.bad);
const bottom = (page, what) => page.evaluate((s) => document.querySelector(s).getBoundingClientRect().bottom + scrollY, what);
const width = (page) => page.evaluate(() => document.documentElement.scrollWidth);
const openAll = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

async function accessible(page, name, part) {
  await page.evaluate(axeSource);
  const found = await page.evaluate((p) => window.axe.run(p || document, { resultTypes: ["violations"] }), part);
  judged++;
  for (const v of found.violations) {
    const grave = v.impact === "serious" || v.impact === "critical";
    if (grave) serious++;
    check(!grave,
      name + ": axe " + v.id + " (" + v.impact + "): " + v.nodes.length + " × " + v.nodes[0].html.slice(0, 200));
  }
}

for (const name of ["exercise.html", "small.html", "empty.html"]) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(name, { colorScheme });
    check(await bottom(page, ".hours") <= 768, name + ": the first screen ends at " + await bottom(page, ".hours") + " of 768 px");
    check(await width(page) <= 1366, name + ": scrolls sideways at 1366 px");
    if (name === "exercise.html") {
      for (const part of ["#first", "#zero", "#spread", "#origin", "#timeline"]) { // the rest is small.html many times over
        await accessible(page, name + " " + colorScheme + " " + part, part);
      }
    } else {
      await openAll(page);
      await accessible(page, name + " " + colorScheme);
    }
    check((await bad(page)).length === 0, name + ": " + await bad(page));
    await page.context().close();
  }
}

for (const name of ["exercise.html", "burst.html", "small.html", "empty.html", "thousand.html", "hostile.html", "account.html", "account-hostile.html"]) {
  const page = await open(name, { viewport: { width: 390, height: 844 } });
  check(await width(page) <= 390, name + ": scrolls sideways at 390 px: " + await width(page));
  await openAll(page);
  check(await width(page) <= 390, name + ": scrolls sideways at 390 px when opened: " + await width(page));
  check((await bad(page)).length === 0, name + ": " + await bad(page));
  await page.context().close();
}

{ // paper: A4 less its margins, 186 × 269 mm
  const page = await open("exercise.html", { viewport: { width: 703, height: 1016 } });
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  check(await bottom(page, ".hours") <= 1016, "print: the first page ends at " + await bottom(page, ".hours") + " of 1016 px");
  const look = await page.evaluate(() => ({
    ground: getComputedStyle(document.documentElement).backgroundColor,
    after: getComputedStyle(document.getElementById("first")).breakAfter,
    head: getComputedStyle(document.querySelector("#all thead")).display,
  }));
  check(look.ground === "rgb(255, 255, 255)", "print: the ground is " + look.ground);
  check(look.after === "page", "print: no page break after the first screen");
  check(look.head === "table-header-group", "print: head rows do not repeat");
  check(await page.evaluate(() => document.querySelectorAll("details:not([open])").length) > 0, "nothing is folded on the screen");
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  check(await page.evaluate(() => document.querySelectorAll("details:not([open])").length) === 0, "print: something stays folded");
  await page.evaluate(() => dispatchEvent(new Event("afterprint")));
  check(await page.evaluate(() => document.querySelectorAll("details:not([open])").length) > 0, "folds are not restored after printing");
  await page.pdf({ path: join(pages, "exercise.pdf"), preferCSSPageSize: true }); // browser_test.go reads it
  await page.context().close();
}

{ // without script everything is open and in order
  const page = await open("exercise.html", { javaScriptEnabled: false });
  const folded = await page.locator("details:not([open])").count();
  check(folded === 0, "without script " + folded + " parts are folded");
  check(await page.locator("#all tbody tr").count() === 103, "without script the table has " + await page.locator("#all tbody tr").count() + " rows");
  check(await page.locator("#s1 .fields").first().isVisible(), "without script the fields are not visible");
  await page.context().close();
}

{ // what the script does: folds, opens what a link points to, sorts
  const page = await open("exercise.html");
  check(await page.locator("details.srv[open]").count() === 0, "sections are not folded");
  const opens = (what) => page.locator(what).waitFor({ state: "attached", timeout: 10000 }).then(() => true, () => false); // hashchange comes after the click
  await page.locator("a.q.inf").first().click();
  check(await opens("#s1[open]"), "a square does not open its server");
  await page.locator(".answers .ref").first().click();
  check(await opens(".f:target[open]"), "a reference does not open its finding");
  const first = () => page.locator("#all tbody tr th").first().innerText();
  check((await first()).startsWith("EX-EHOSP-DB1"), "the table begins with " + await first());
  const head = page.locator("#all thead th [role=button]");
  await head.nth(0).focus();
  await page.keyboard.press("Enter");
  check((await first()).startsWith("EX-BACKUP-1"), "sorted by name the table begins with " + await first());
  check(await page.locator("#all thead th").first().getAttribute("aria-sort") === "ascending", "aria-sort is not set");
  await head.nth(3).click();
  check((await first()).startsWith("EX-EHOSP-DB1"), "sorted by time the table begins with " + await first());
  await head.nth(1).click();
  await head.nth(1).click();
  check((await page.locator("#all tbody tr .v").first().innerText()).includes("not examined"), "sorted by verdict downwards, infiltrated is first");
  check(await page.locator("#all tbody tr").count() === 103, "sorting loses rows");
  await page.keyboard.press("Home");
  check((await bad(page)).length === 0, "exercise.html: " + await bad(page));
  await page.context().close();
}

{ // the lanes, step by step, by keyboard
  const page = await open("exercise.html");
  const slide = page.locator("#step"), said = page.locator("#say");
  check(await said.innerText() === "11 steps are shown.", "the lanes begin with " + await said.innerText());
  await slide.focus();
  await page.keyboard.press("Home");
  check(await said.innerText() === "19 Nov 03:12: 198.18.0.7 → EX-JUMP1, vpn, HOSP\\svc_bkp, both ends", "step 1 says " + await said.innerText());
  check(await page.locator("#lanes g.later .dot").count() === 10, "at step 1, " + await page.locator("#lanes g.later .dot").count() + " steps are later");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  check(await page.locator("#hops tr.now th").innerText() === "3", "the row of step 3 is not marked");
  check(await slide.getAttribute("aria-valuetext") === "step 3 of 11", "aria-valuetext is " + await slide.getAttribute("aria-valuetext"));
  await accessible(page, "exercise.html at step 3", "#spread");
  await page.emulateMedia({ media: "print" });
  check(await page.evaluate(() => [...document.querySelectorAll("#lanes g")].every((g) => getComputedStyle(g).opacity === "1")), "print: later steps are faint");
  check(!await slide.isVisible(), "print: the slider is drawn");
  await page.emulateMedia({ media: "screen" });
  await slide.focus();
  await page.keyboard.press("End");
  check(await page.locator("#lanes g.later").count() === 0, "at the end, steps are missing");
  check((await bad(page)).length === 0, "lanes: " + await bad(page));
  await page.context().close();
}

{ // long lanes scroll inside their box, which follows the step
  const page = await open("burst.html", { viewport: { width: 390, height: 844 } });
  await page.locator("#step").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("End");
  const seen = await page.evaluate(() => {
    const box = document.getElementById("lanes").getBoundingClientRect(), at = document.querySelector("#lanes g.now").getBoundingClientRect();
    return at.left >= box.left && at.right <= box.right + 1;
  });
  check(seen, "burst.html: the last step is out of sight");
  check(await page.locator("#lanes .lab").first().evaluate((e) => e.getBoundingClientRect().left >= 0), "burst.html: the names of the lanes scroll away");
  await page.context().close();
}

{ // the timeline's filter
  const page = await open("exercise.html");
  const picks = page.locator("#filter select"), rows = page.locator("#acts tbody tr:not(.gap)");
  const visible = () => page.evaluate(() => [...document.querySelectorAll("#acts tbody tr")].filter((r) => r.getBoundingClientRect().height > 0).length);
  const all = await rows.count(), whole = await visible();
  check(await picks.count() === 3, await picks.count() + " filters");
  await picks.nth(0).selectOption("EX-DC1");
  const some = await visible();
  check(some > 0 && some < all, "filtered by server, " + some + " of " + all + " rows are shown");
  check(await page.locator("#filter output").innerText() === some + " of " + all + " acts shown", "the filter says " + await page.locator("#filter output").innerText());
  await picks.nth(2).selectOption("impact");
  check(await visible() < some, "filtered by tactic too, there are no fewer");
  await accessible(page, "exercise.html filtered", "#timeline");
  await page.emulateMedia({ media: "print" });
  check(await visible() === whole, "print: hidden acts stay hidden");
  await page.emulateMedia({ media: "screen" });
  await page.locator("#filter button").focus();
  await page.keyboard.press("Enter");
  check(await visible() === whole, "“Show all” does not");
  check((await bad(page)).length === 0, "filter: " + await bad(page));
  await page.context().close();
}

{ // without script the story is whole and nothing that needs script is shown
  const page = await open("exercise.html", { javaScriptEnabled: false });
  check(!await page.locator("#step").isVisible() && !await page.locator("#filter").isVisible(), "without script there are controls");
  check(await page.locator("#lanes .dot").count() === 11 && await page.locator("#lanes .dot").last().isVisible(), "without script steps are missing");
  check(await page.locator("#hops tbody tr").count() === 11 && await page.locator("#acts tbody tr:not(.gap)").last().isVisible(), "without script rows are missing");
  await page.context().close();
}

for (const name of ["account.html", "account-burst.html", "account-hostile.html"]) { // the written account
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(name, { colorScheme });
    await accessible(page, name + " " + colorScheme);
    check(await width(page) <= 1366, name + ": scrolls sideways");
    check(await page.locator("script").count() === 0, name + ": a script");
    check(await page.locator("a:not([href^='#n'])").count() === 0, name + ": a link leads out");
    check((await bad(page)).length === 0, name + ": " + await bad(page));
    if (colorScheme === "light") {
      await page.pdf({ path: join(pages, name.replace("html", "pdf")), preferCSSPageSize: true });
    }
    await page.context().close();
  }
}

for (const [name, most] of [["exercise.html", 2], ["burst.html", 2], ["heavy.html", 4]]) { // seconds of the page's own time until it stands: the best of three
  let busy = Infinity;
  for (let i = 0; i < 3; i++) {
    const page = await open(name);
    busy = Math.min(busy, await page.busy());
    check(await width(page) <= 1366, name + ": scrolls sideways");
    await page.context().close();
  }
  console.log(name + ": " + busy.toFixed(2) + " s");
  check(busy <= most, name + ": the browser was busy for " + busy.toFixed(2) + " s");
}

for (const colorScheme of ["light", "dark"]) { // evidence that attacks the page
  const page = await open("hostile.html", { colorScheme });
  await openAll(page);
  for (const b of await page.locator("[onclick], [onload], [onerror], img, iframe, form, object").all()) {
    check(false, "hostile.html: " + (await b.evaluate((e) => e.outerHTML)).slice(0, 200));
  }
  check(await page.locator("a:not([href^='#'])").count() === 0, "hostile.html: a link leads out");
  await accessible(page, "hostile.html " + colorScheme);
  check((await bad(page)).length === 0, "hostile.html: " + await bad(page));
  // the policy holds: a script and a style that do get in are refused
  page.removeAllListeners("console");
  await page.evaluate(() => { const s = document.createElement("script"); s.textContent = "alert(1)"; document.body.append(s); });
  check((await bad(page)).some((b) => b.startsWith("policy script-src")) && !(await bad(page)).some((b) => b.startsWith("alert")), "the policy lets a foreign script run");
  await page.context().close();
}

{
  const page = await open("thousand.html");
  check(await page.locator(".q").count() === 1000, "thousand.html: " + await page.locator(".q").count() + " squares");
  check(await width(page) <= 1366, "thousand.html: scrolls sideways");
  await page.context().close();
}

await browser.close();
console.log(serious + " serious findings of axe in " + judged + " views, " + faults + " faults in all");
process.exit(faults === 0 ? 0 : 1);
