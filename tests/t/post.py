# SPDX-License-Identifier: Apache-2.0
"""The post-processors of kiln against those of the real packer: cases are built by both, and what is left is compared.

usage: post.py make CASES REPOSITORY | packer CASES REPOSITORY FOLDER | compare CASES FOLDER CATALOG
CASES is JSON, a list of {"name", "builder", "provisioners", "variables", "post", "files", "more", "less", "kiln"}: MORE is
what kiln keeps and packer loses, LESS the other way round, KILN "fails" or "works" where packer does not."""
import concurrent.futures, gzip, hashlib, io, json, lzma, os, re, shutil, subprocess, sys, tarfile, zipfile

DEFAULT = {'type': 'file', 'content': 'made\n', 'target': 'out/a.txt'}


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as file:
        file.write(text)
    os.chmod(path, 0o755 if text.startswith('#!') else 0o644)


def make(cases, folder):
    for case in cases:
        template = {'builders': [case.get('builder', DEFAULT)], 'post-processors': case['post']}
        for key in ('variables', 'provisioners'):
            if key in case:
                template[key] = case[key]
        write('%s/%s.json' % (folder, case['name']), json.dumps(template))
        for path, text in case.get('files', {}).items():
            write('%s/%s' % (folder, path), text)


def files_below(folder):
    found = set()
    for root, _, names in os.walk(folder):
        found |= {os.path.relpath(os.path.join(root, name), folder) for name in names}
    return found


def run_packer(case, repository, folder):
    place = '%s/%s' % (folder, case['name'])
    os.makedirs(place)
    os.makedirs(place + '.tmp')
    for path in [case['name'] + '.json', *case.get('files', {})]:
        os.makedirs(os.path.dirname('%s/%s' % (place, path)), exist_ok=True)
        shutil.copy('%s/%s' % (repository, path), '%s/%s' % (place, path))
    environment = {**os.environ, 'CHECKPOINT_DISABLE': '1', 'PACKER_CACHE_DIR': place + '.tmp', 'TMPDIR': place + '.tmp'}
    ran = subprocess.run(['packer', '-machine-readable', 'build', case['name'] + '.json'], cwd=place, env=environment,
                         stdin=subprocess.DEVNULL, capture_output=True, text=True)
    named = set()
    for line in ran.stdout.splitlines():
        fields = line.split(',')
        if len(fields) > 6 and fields[2] == 'artifact' and fields[4] == 'file':
            named.add(os.path.normpath(fields[6]))
    with open(place + '.result', 'w') as file:
        json.dump({'code': ran.returncode, 'named': sorted(named), 'said': ran.stdout[-2000:]}, file)


def packer(cases, repository, folder):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda case: run_packer(case, repository, folder), cases))


# ---- one file in a form that must be equal ----

def plain(data):
    """What is in it, whoever compressed it."""
    if data[:2] == b'\x1f\x8b':
        return plain(gzip.decompress(data))
    if data[:6] == b'\xfd7zXZ\0':
        return plain(lzma.decompress(data))
    if data[:4] == b'\x04\x22\x4d\x18':
        return plain(subprocess.run(['lz4', '-dc'], input=data, capture_output=True, check=True).stdout)
    if data[:4] == b'PK\x03\x04':
        archive = zipfile.ZipFile(io.BytesIO(data))
        return repr([(name, archive.read(name)) for name in archive.namelist()]).encode()
    if data[257:262] == b'ustar':
        archive = tarfile.open(fileobj=io.BytesIO(data))
        return repr((data[257:265], len(data), [member(archive, m) for m in archive])).encode()
    return data


def member(archive, m):
    """All but the numbers of a device, which a file has none of; an ordinary user's packer writes that user's names."""
    owner = (m.uid, m.gid, m.uname, m.gname) if os.getuid() == 0 else ()
    return m.name, m.type, m.mode, m.mtime, owner, plain(archive.extractfile(m).read())


def sums_checked(data, folder):
    """Sums that are right say so: those of a compressed file are the compressor's."""
    lines = []
    for line in data.decode().splitlines():
        sum, name = line.split('\t')
        kind = {32: 'md5', 40: 'sha1', 56: 'sha224', 64: 'sha256', 96: 'sha384', 128: 'sha512'}[len(sum)]
        for path in files_below(folder):
            with open('%s/%s' % (folder, path), 'rb') as file:
                if os.path.basename(path) == name and hashlib.new(kind, file.read()).hexdigest() == sum:
                    sum = kind + ' is right'
        lines.append(sum + '\t' + name)
    return '\n'.join(lines).encode()


def form(path, folder):
    with open('%s/%s' % (folder, path), 'rb') as file:
        data = plain(file.read())
    if re.match(rb'^[0-9a-f]{32,}\t', data):
        data = sums_checked(data, folder)
    if b'"last_run_uuid"' in data:
        data = re.sub(rb'"build_time": \d+', b'"build_time": N', data)
        data = re.sub(rb'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', b'UUID', data)
        data = re.sub(rb'"size": \d+', b'"size": N', data)
    return data


def compare_case(case, folder, catalog):
    place, image = '%s/%s' % (folder, case['name']), '%s/%s/1' % (catalog, case['name'])
    with open(place + '.result') as file:
        result = json.load(file)
    works = case.get('kiln', 'works' if result['code'] == 0 else 'fails') == 'works'
    if ('kiln' in case) == (works == (result['code'] == 0)):
        return 'packer ended with %d: %s' % (result['code'], result['said'])
    if not os.path.exists(image):
        return 'kiln did not build it' if works else 'same'
    if not works:
        return 'kiln built it, packer says ' + result['said']
    with open(image + '/manifest.json') as file:
        published = {item['path']: item['name'] for item in json.load(file)['files']}
    there = {path for path in result['named'] if os.path.exists('%s/%s' % (place, path))} if result['code'] == 0 else set()
    wanted = (there | set(case.get('more', []))) - set(case.get('less', []))
    if set(published) != wanted or there & set(case.get('more', [])):
        return 'kiln has %s, wanted are %s, packer has %s' % (sorted(published), sorted(wanted), sorted(there))
    for path in sorted(there & set(published)):
        ours, theirs = form(published[path], image + '/files'), form(path, place)
        if ours != theirs:
            at = max(0, len(os.path.commonprefix([ours, theirs])) - 40)
            return '%s: kiln has %r, packer %r' % (path, ours[at:at + 200], theirs[at:at + 200])
    return 'same'


def compare(cases, folder, catalog):
    for case in cases:
        print('%s\t%s' % (case['name'], compare_case(case, folder, catalog).replace('\n', '\\n')))


command, cases = sys.argv[1], json.load(open(sys.argv[2]))
{'make': make, 'packer': packer, 'compare': compare}[command](cases, *sys.argv[3:])
