# SPDX-License-Identifier: Apache-2.0
"""The page in Chromium, for 5002-page.sh: clicks, keys and looks. usage: page.py URL TOKEN SLOW-BUILD FOLDER
A line for each check: "ok TEXT" or "not ok TEXT: WHAT"; screenshots go to FOLDER."""
import base64, sys, tempfile, time
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

URL, TOKEN, SLOW, FOLDER = sys.argv[1:5]
CSS = By.CSS_SELECTOR

def check(good, text, what=''):
    print(('ok ' if good else 'not ok ') + text + ('' if good else ': %r' % (what,)), flush=True)

def until(what, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        try:
            found = what()
            if found:
                return found
        except Exception: # the page changes under our hands
            pass
        time.sleep(0.05)
    return None

def start():
    options = Options()
    for argument in ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run',
                     '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-proxy-server',
                     '--user-data-dir=' + PROFILE.name):
        options.add_argument(argument)
    options.binary_location = '/usr/bin/chromium'
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    return webdriver.Chrome(service=Service('/usr/bin/chromedriver'), options=options)

PROFILE = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
browser = start()
run = browser.execute_script

def see(width=1280, height=900, scheme='light'):
    browser.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': width < 600})
    browser.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [{'name': 'prefers-color-scheme', 'value': scheme}]})

def go(path):
    browser.get(URL + path)

def shoot(name):
    height = run('return document.documentElement.scrollHeight')
    width = run('return document.documentElement.clientWidth')
    shot = browser.execute_cdp_cmd('Page.captureScreenshot', {'format': 'png', 'captureBeyondViewport': True,
        'clip': {'x': 0, 'y': 0, 'width': width, 'height': min(height, 3000), 'scale': 1}})
    with open('%s/%s.png' % (FOLDER, name), 'wb') as file:
        file.write(base64.b64decode(shot['data']))

def one(selector):
    return browser.find_element(CSS, selector)
def all_of(selector):
    return browser.find_elements(CSS, selector)
def names():
    return run("return [...document.querySelectorAll('#rows tbody th a')].map(a => a.textContent)")
def press(*keys):
    webdriver.ActionChains(browser).send_keys(*keys).perform()

# What makes a page usable with a keyboard and a screen reader, as far as it can be computed; and contrast (WCAG 2.1, 1.4.3).
LOOK = r"""
const wrong = [];
const say = (what, element) => wrong.push(what + ' ' + (element ? element.outerHTML.slice(0, 90) : ''));
if (document.querySelectorAll('main').length !== 1) say('main');
if (document.querySelectorAll('h1').length !== 1) say('h1');
if (!document.documentElement.lang) say('lang');
if (!document.title) say('title');
let level = 0;
for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
	const now = +heading.tagName[1];
	if (now > level + 1) say('heading leaves out a level', heading);
	level = now;
}
for (const nav of document.querySelectorAll('nav, section'))
	if (!nav.getAttribute('aria-label') && !nav.getAttribute('aria-labelledby') && !nav.classList.contains('trace')) say('no name', nav);
for (const it of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
	for (const id of (it.getAttribute('aria-labelledby') || it.getAttribute('aria-describedby')).split(' '))
		if (!document.getElementById(id)) say('names nothing', it);
for (const th of document.querySelectorAll('th')) if (!th.scope) say('no scope', th);
for (const image of document.images) if (!image.alt) say('no alt', image);
for (const input of document.querySelectorAll('input:not([type=hidden]), select'))
	if (!input.labels.length) say('no label', input);
for (const link of document.querySelectorAll('a, button'))
	if (!link.textContent.trim() && !link.getAttribute('aria-label') && !link.querySelector('img[alt]')) say('no text', link);
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
for (const id of ids) if (ids.filter(other => other === id).length > 1) say('twice: #' + id);
for (const time of document.querySelectorAll('time'))
	if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time.dateTime) || !time.textContent.includes('UTC')) say('no UTC', time);
for (const scrolled of document.querySelectorAll('.scroll, .log')) if (scrolled.tabIndex !== 0) say('no way by keys', scrolled);
const parse = text => text.match(/[\d.]+/g).map(Number);
const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = element => { for (let e = element; e; e = e.parentElement) {
	const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
for (const element of document.querySelectorAll('body *')) {
	if (![...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !element.checkVisibility() || element.closest('svg')) continue;
	const style = getComputedStyle(element), under = ground(element);
	const ink = parse(style.color).slice(0, 3).map((v, i) => v * style.opacity + under[i] * (1 - style.opacity));
	const a = light(ink), b = light(under), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	if (ratio < 4.5) say('contrast ' + ratio.toFixed(2), element);
}
return wrong;
"""

def look(name, paths):
    wrong, wide = [], []
    for path in paths:
        for scheme in ('light', 'dark'):
            see(1280, 900, scheme)
            go(path)
            wrong += [path + ' ' + scheme + ': ' + w for w in run(LOOK)]
        see(360, 740)
        go(path)
        if run('return document.documentElement.scrollWidth > 360'):
            wide.append(path)
    check(not wrong, name + ' can be read and used by everybody', wrong[:5])
    check(not wide, name + ' fit a phone', wide)
    see()

def pictures(name, path):
    for kind, width, scheme in (('light', 1280, 'light'), ('dark', 1280, 'dark'), ('phone', 360, 'light')):
        see(width, 800, scheme)
        go(path)
        time.sleep(0.3)
        shoot('%s-%s' % (name, kind))
    see()

# ---- reading ----

see()
go('/')
check(len(names()) >= 5, 'the catalog shows the images', names())
check(run("return getComputedStyle(document.body).backgroundColor !== 'rgba(0, 0, 0, 0)'"), 'its style is there')
light = run('return getComputedStyle(document.body).backgroundColor')
see(scheme='dark')
check(run('return getComputedStyle(document.body).backgroundColor') != light, 'it is dark where that is wanted')
see()
run('window.same = true')
one('#q').send_keys('web')
check(until(lambda: names() and all('web' in name for name in names())), 'the filter finds while one types', names())
check(run('return window.same') and 'q=web' in browser.current_url, 'without another page, and its address can be kept', browser.current_url)
one('#q').send_keys(Keys.CONTROL + 'a', Keys.DELETE)
check(until(lambda: len(names()) >= 5), 'and finds all again', names())
go('/')
one('.chips .failed').click()
check(until(lambda: names() == ['broken']), 'a state shows its own', names())
go('/')
press(Keys.TAB)
check(run('return document.activeElement.className') == 'skip', 'the first key leads to the content', run('return document.activeElement.outerHTML'))
check(run("return document.activeElement.matches(':focus-visible') && getComputedStyle(document.activeElement).outlineStyle !== 'none'"), 'the focus is seen')
press(Keys.ENTER)
check(run('return document.activeElement.id') == 'main', 'and there one is', run('return document.activeElement.outerHTML'))

one('#rows tbody th a[href="/image/web"]').click()
check(until(lambda: one('h1').text == 'web'), 'a click leads to an image')
boxes = [box.text for box in all_of('.picture a')]
check(any('base' in box for box in boxes) and any('this image' in box for box in boxes), 'its picture has what it is built on', boxes)
one('.picture a[href="/image/base"]').click()
check(until(lambda: one('h1').text == 'base'), 'the picture leads to it')
go('/image/web')
check(len(all_of('.timeline > li')) == 2 and 'scripts/web.sh changed' in one('.timeline').text, 'its versions say why', one('.timeline').text)
one('.timeline > li .meta a[href^="/build/"]').click()
check(until(lambda: 'Build' in one('h1').text and 'run' in one('#steps + p + table').text), 'a version leads to its build, with steps')
check('running the script scripts/web.sh' in one('#log').text, 'and with what it said', one('#log').text)

go('/audit')
one('#q').send_keys('scripts/web.sh', Keys.ENTER)
check(until(lambda: 'web version 2' in one('main').text), 'a path is found in the history')
one('.trace summary').click()
check('scripts/web.sh' in one('.inputs').text, 'with all that went in')
go('/plan')
check('nothing to do' in one('main').text or all_of('main table'), 'the plan', one('main').text)
one('#at').send_keys('HEAD~2..HEAD', Keys.ENTER)
check(until(lambda: 'scripts/web.sh changed' in one('main').text), 'and of a range', one('main').text)

# ---- what strangers wrote is text ----

hostile = 'bobby'
go('/image/' + hostile)
check('<img src=x onerror=' in one('main').text and not all_of('main img'), 'markup in a reason is text', one('main').text[:300])
one('.timeline, table.cards').find_element(CSS, 'a[href^="/build/"]').click()
check(until(lambda: '<script>document.title="owned"</script>' in one('#log').text) and 'owned' not in browser.title, 'so it is in a log', one('#log').text)
go('/?q=%22%3E%3Cscript%3Edocument.title%3D%22owned%22%3C%2Fscript%3E')
check(one('#q').get_attribute('value').startswith('"><script>') and browser.title == 'Images · kiln', 'and in what one asks', browser.title)

# ---- a build that goes on ----

go('/build/' + SLOW)
check(until(lambda: one('#following').text == 'following'), 'a log is followed', one('#following').text)
first = len(all_of('#log > span'))
check(until(lambda: len(all_of('#log > span')) >= first + 5), 'and grows by itself', (first, len(all_of('#log > span'))))
lines = [line for line in one('#log').text.split('\n') if 'slow line' in line]
numbers = [int(line.rsplit(' ', 1)[1]) for line in lines]
check(numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] == 1, 'with no line lost or doubled', numbers)
check(run("return document.getElementById('log').getAttribute('role')") == 'log', 'and is told to who listens')
shown = 'const image = document.querySelector(".screen img"); image.scrollIntoView(); return image.complete && image.naturalWidth'
check(until(lambda: run(shown) == 720), 'the screen of its machine is seen', run(shown))
check(one('.screen img').get_attribute('alt').startswith('The screen of the machine at '), 'and named for who does not see it')
check(until(lambda: run('return document.querySelectorAll(".screen").length') == 1) and run('return document.querySelector(".screen img").clientWidth <= document.querySelector("main").clientWidth'), 'within the page')
pictures('build', '/build/' + SLOW)

# ---- changing ----

go('/image/web')
check(not all_of('form[action="/order"]'), 'who did not sign in is offered nothing')
go('/login')
one('#token').send_keys('not the token at all', Keys.ENTER)
check(until(lambda: 'not the token' in one('[role=alert]').text), 'a wrong token is told')
one('#token').send_keys(TOKEN, Keys.ENTER)
check(until(lambda: 'Sign out' in one('header').text), 'the right one signs in')
check(run('return document.cookie') == '', 'no script sees the session', run('return document.cookie'))
cookie = browser.get_cookies()[0]
check(cookie['httpOnly'] and cookie['sameSite'] == 'Strict' and TOKEN not in cookie['value'], 'nor anybody the token', cookie)

def order(label, selector='main'):
    run("document.body.dataset.old = '1'")  # the page that answers is another one
    [button for button in one(selector).find_elements(By.TAG_NAME, 'button') if button.text == label][0].click()
    return until(lambda: not run('return document.body.dataset.old') and one('.notice').text)

go('/image/db')
said = order('Hold')
check(said == 'db is held' and 'held' in one('.title').text, 'an image is held', said)
said = order('Release')
check(said == 'db is released' and 'held' not in one('.title').text, 'and released', said)
before = len(all_of('#builds + table tbody tr'))
said = order('Build again')
check(said == 'db is being built again', 'it is built again', said)
check(until(lambda: browser.refresh() or len(all_of('#builds + table tbody tr')) == before + 1), 'as one more build')
go('/image/web')
one('.orders summary').click()
said = order('Roll back web')
check(said == 'web was rolled back' and 'version 1' in one('.facts').text, 'it is rolled back', said)
check('quarantined' in one('.timeline').text, 'and what was newer is quarantined')
go('/image/base')
said = order('Hold', '.timeline')
check(said == 'base is held' and 'held' in one('.timeline > li').text, 'a version is held', said)
pictures('image', '/image/web')
go('/build/' + SLOW)
said = order('Cancel this build')
check(said.startswith('the build of slow was cancelled'), 'a build is cancelled', said)
check(until(lambda: browser.refresh() or 'cancelled' in one('.title').text), 'and says so')

# ---- looks ----

paths = ['/', '/?q=nothing-is-called-so', '/image/web', '/image/broken', '/build/' + SLOW, '/plan', '/audit', '/audit?q=scripts/web.sh', '/image/nosuch']
look('pages of who signed in', paths)
one('.sign button').click()
check(until(lambda: 'Sign in' in one('header').text), 'who signs out is out')
look('pages', paths + ['/login?wrong=1'])
pictures('catalog', '/')
pictures('plan', '/plan?at=HEAD~1..HEAD')
pictures('audit', '/audit?q=scripts/web.sh')
pictures('login', '/login')
errors = [entry['message'] for entry in browser.get_log('browser') if entry['level'] == 'SEVERE' and 'status of 404' not in entry['message']]
check(not errors, 'the console has nothing to complain of', errors[:3])
browser.quit()
