// SPDX-License-Identifier: Apache-2.0
// The page once more, driven by playwright-core: as an operator on a phone who is in a hurry. usage: page.cjs URL TOKEN FOLDER
'use strict';
const {chromium, devices} = require('playwright-core');
const [url, token, folder] = process.argv.slice(2);
const check = (good, text, what) => console.log((good ? 'ok ' : 'not ok ') + text + (good ? '' : ': ' + JSON.stringify(what)));
const seen = locator => locator.waitFor().then(() => true, () => false);

(async () => {
	const browser = await chromium.launch({executablePath: '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-dev-shm-usage', '--no-proxy-server']});
	const context = await browser.newContext({...devices['Pixel 5'], viewport: {width: 360, height: 740}, colorScheme: 'dark'});
	const page = await context.newPage();
	const complaints = [], elsewhere = [];
	page.on('console', message => message.type() === 'error' && complaints.push(message.text()));
	page.on('pageerror', error => complaints.push(String(error)));
	page.on('request', request => request.url().startsWith(url) || elsewhere.push(request.url()));
	await page.goto(url + '/');
	await page.getByLabel('Filter', {exact: true}).fill('web');
	await page.getByRole('link', {name: 'web', exact: true}).tap();
	await page.getByRole('heading', {name: 'web', level: 1}).waitFor();
	check(await seen(page.getByRole('heading', {name: 'Who is built on whom'})), 'with playwright: an image by touch');
	await page.getByRole('link', {name: 'Sign in'}).tap();
	await page.getByLabel('Token').fill(token);
	await page.getByRole('button', {name: 'Sign in'}).tap();
	await page.getByRole('button', {name: 'Sign out'}).waitFor();
	await page.goto(url + '/image/db');
	await page.getByRole('button', {name: 'Hold', exact: true}).first().tap();
	check(await seen(page.getByRole('status').filter({hasText: 'db is held'})), 'with playwright: signed in and held');
	await page.getByRole('button', {name: 'Release', exact: true}).first().tap();
	check(await seen(page.getByRole('status').filter({hasText: 'db is released'})), 'with playwright: and released');
	await page.screenshot({path: folder + '/playwright.png', fullPage: true});
	const tree = await page.locator('main').ariaSnapshot();
	check(/table "Builds of db/.test(tree) && /rowheader/.test(tree) && /navigation "Where this is"/.test(tree),
		'with playwright: tables and landmarks have their names', tree);
	check(elsewhere.length === 0, 'with playwright: nothing is asked of anybody else', elsewhere);
	check(complaints.length === 0, 'with playwright: the console is empty', complaints);
	// without script everything is there, too
	const plain = await (await browser.newContext({javaScriptEnabled: false})).newPage();
	await plain.goto(url + '/');
	await plain.getByLabel('Filter', {exact: true}).fill('db');
	await plain.getByRole('button', {name: 'Filter'}).click();
	check(await plain.locator('#rows tbody tr').count() === 1, 'with playwright: the filter works without script');
	await browser.close();
})().catch(error => {
	check(false, 'with playwright: it went all the way', String(error));
	process.exit(1);
});
