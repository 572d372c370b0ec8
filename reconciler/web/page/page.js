// SPDX-License-Identifier: Apache-2.0
// What is live: everything here is on the page without it, too.
'use strict';

// What comes is not shown whole: a notice that is told once must not be in it.
const inPart = {headers: {Accept: 'text/html', 'X-Kiln-Part': '1'}};

// Parts with data-live="SECONDS" are fetched again while somebody looks at them.
async function refresh(url, ids) {
	const answer = await fetch(url, inPart);
	if (!answer.ok || answer.redirected)
		return false;
	const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
	for (const id of ids) {
		const now = document.getElementById(id), next = page.getElementById(id);
		// what has the focus, or was opened, is left alone
		if (!now || !next || now.innerHTML === next.innerHTML)
			continue;
		if (now.contains(document.activeElement) || now.querySelector('details[open]'))
			continue;
		now.replaceWith(document.adoptNode(next));
	}
	return true;
}

function keepFresh(id, more) {
	const part = document.getElementById(id);
	if (!part || !part.dataset.live)
		return;
	let waiting = false;
	setInterval(async () => {
		if (document.hidden || waiting || !document.getElementById(id).dataset.live)
			return;
		waiting = true;
		try {
			await refresh(location.href, [id, ...more]);
		} catch {
			// it is tried again anyway
		}
		waiting = false;
	}, part.dataset.live * 1000);
}

// The filter shows what it finds while one types.
function filterWhileTyping() {
	const form = document.getElementById('filter');
	if (!form)
		return;
	let timer, turn = 0;
	form.elements.q.addEventListener('input', () => {
		clearTimeout(timer);
		timer = setTimeout(async () => {
			const mine = ++turn;
			const url = new URL(form.action);
			for (const [key, value] of new FormData(form))
				if (value)
					url.searchParams.set(key, value);
			const answer = await fetch(url, inPart);
			if (mine !== turn || !answer.ok)
				return;
			const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
			for (const id of ['rows', 'states', 'count'])
				document.getElementById(id).replaceWith(document.adoptNode(page.getElementById(id)));
			history.replaceState(null, '', url);
		}, 120);
	});
}

// The log of a build that goes on.
function followLog() {
	const log = document.getElementById('log'), says = document.getElementById('following');
	if (!log || !log.dataset.follow)
		return;
	const source = new EventSource(log.dataset.follow);
	const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
	log.scrollTop = log.scrollHeight;
	source.addEventListener('open', () => { says.textContent = 'following'; });
	source.addEventListener('error', () => { says.textContent = 'waiting for kilnd'; });
	source.addEventListener('away', () => { says.textContent = 'waiting for kilnd'; });
	source.addEventListener('line', event => {
		const line = JSON.parse(event.data), follows = atEnd();
		const row = document.createElement('span');
		row.className = ['stdout', 'stderr', 'kiln'].includes(line.stream) ? line.stream : '';
		const clock = document.createElement('i');
		clock.textContent = (line.time || '').slice(11, 19);
		row.append(clock, ' ');
		if (line.step) {
			const step = document.createElement('b');
			step.textContent = line.step;
			row.append(step, ' ');
		}
		row.append(line.text + '\n');
		log.append(row);
		while (log.childElementCount > 5000)
			log.firstElementChild.remove();
		document.getElementById('silent')?.remove();
		if (follows)
			log.scrollTop = log.scrollHeight;
	});
	source.addEventListener('end', () => {
		source.close();
		says.textContent = 'ended';
		refresh(location.href, ['facts']);
	});
}

// Of a picture that is wider than the screen the image itself is seen first.
function showSelf() {
	const self = document.querySelector('.picture .self rect'), region = self?.closest('.scroll');
	if (region)
		region.scrollLeft = self.x.baseVal.value + self.width.baseVal.value / 2 - region.clientWidth / 2;
}

keepFresh('rows', ['states', 'count']);
keepFresh('facts', []);
filterWhileTyping();
followLog();
showSelf();
