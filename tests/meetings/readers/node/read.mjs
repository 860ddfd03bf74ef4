// Two readers of calendar files: ical.js, which Thunderbird is built on, and node-ical.
//
// Takes one object on standard input: the files, in base64, and the moments between which to look, in milliseconds.
// Prints one object: for each reader, for each file, what it shows as [start, end, title].

import ICAL from 'ical.js';
import ical from 'node-ical';

const MOST = 10_000; // occurrences looked at: a rule without an end must not hold the reader forever

function byIcalJs(text, since, until) {
  const calendar = new ICAL.Component(ICAL.parse(text));
  const events = calendar.getAllSubcomponents('vevent').map((one) => new ICAL.Event(one));
  const shown = [];
  const show = (event, start, end) => {
    if (event.component.getFirstPropertyValue('status') !== 'CANCELLED') {
      shown.push([start.toJSDate().getTime(), end.toJSDate().getTime(), event.summary]);
    }
  };
  for (const event of events.filter((one) => !one.isRecurrenceException())) {
    for (const other of events) {
      if (other.isRecurrenceException() && other.uid === event.uid) event.relateException(other);
    }
    if (!event.isRecurring()) {
      show(event, event.startDate, event.endDate);
      continue;
    }
    const dates = event.iterator();
    for (let count = 0, next = dates.next(); next && count < MOST; count += 1, next = dates.next()) {
      if (next.toJSDate().getTime() > until) break;
      const { item, startDate, endDate } = event.getOccurrenceDetails(next);
      show(item, startDate, endDate);
    }
  }
  return shown.filter(([start]) => start >= since && start <= until);
}

function byNodeIcal(text, since, until) {
  const shown = [];
  for (const event of Object.values(ical.sync.parseICS(text))) {
    if (event.type !== 'VEVENT') continue;
    for (const one of ical.expandRecurringEvent(event, { from: new Date(since), to: new Date(until) })) {
      if ((one.event.status ?? '') === 'CANCELLED') continue;
      shown.push([one.start.getTime(), one.end.getTime(), one.summary]);
    }
  }
  return shown;
}

let asked = '';
for await (const piece of process.stdin.setEncoding('utf8')) asked += piece;
const { files, since, until } = JSON.parse(asked);
const texts = files.map((file) => Buffer.from(file, 'base64').toString('utf8'));
const by = (read) => texts.map((text) => read(text, since, until));
process.stdout.write(JSON.stringify({ 'ical.js': by(byIcalJs), 'node-ical': by(byNodeIcal) }));
