# SPDX-License-Identifier: Apache-2.0
"""A server that serves files of a folder, and misbehaves as the first part of the path says.
usage: media_server.py FOLDER LOG [CERTIFICATE]: prints its port, serves until it is killed. LOG gets a line a request."""
import http.server, os, ssl, sys, time, hashlib, email.utils

folder, log = sys.argv[1:3]
counts = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def note(self, status):
        said = ' '.join(f'{name}={self.headers[name]}' for name in ('Range', 'If-Range', 'If-None-Match', 'If-Modified-Since', 'Authorization')
                        if name in self.headers)
        with open(log, 'a') as out:
            out.write(f'{self.path} {status} {said}\n'.replace(' \n', '\n'))

    def answer(self, status, headers=(), body=b''):
        self.note(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        how, _, name = self.path[1:].partition('/')
        counts[self.path] = counts.get(self.path, 0) + 1
        if how == 'loop':
            return self.answer(302, [('Location', self.path)])
        if how == 'file':
            return self.answer(302, [('Location', 'file:///etc/passwd')])
        if how == 'redirect':
            return self.answer(302, [('Location', '/ok/' + name)])
        if how.isdigit():
            return self.answer(int(how), body=b'no')
        if how == 'once' and counts[self.path] == 1:
            return self.answer(503, body=b'later')
        path = os.path.join(folder, name.split('?')[0])
        if not os.path.isfile(path):
            return self.answer(404, body=b'no')
        data = open(path, 'rb').read()
        self.serve(how, data, int(os.stat(path).st_mtime))

    def serve(self, how, data, modified):
        etag = '"' + hashlib.md5(data).hexdigest() + '"'
        if how == 'weak':
            etag = 'W/' + etag
        date = email.utils.formatdate(modified, usegmt=True)
        headers = [] if how == 'bare' else [('ETag', etag), ('Last-Modified', date)]
        if how != 'bare' and (self.headers['If-None-Match'] == etag or self.headers['If-Modified-Since'] == date):
            self.note(304)
            self.send_response(304)
            self.end_headers()
            return
        first = 0
        same = self.headers['If-Range'] in (None, etag if how != 'weak' else date, date)
        if self.headers['Range'] and same and how != 'noranges':
            first = int(self.headers['Range'].split('=')[1].split('-')[0])
            if first >= len(data):
                return self.answer(416, [('Content-Range', f'bytes */{len(data)}')])
            headers.append(('Content-Range', f'bytes {first if how != "wrongrange" else first + 1}-{len(data) - 1}/{len(data)}'))
        body = data[first:]
        self.note(206 if first else 200)
        self.send_response(206 if first else 200)
        for header, value in headers:
            self.send_header(header, value)
        if how == 'endless':
            self.send_header('Transfer-Encoding', 'chunked')
            self.end_headers()
            while True:
                self.wfile.write(b'10000\r\n' + b'x' * 0x10000 + b'\r\n')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if how in ('cut', 'noranges', 'wrongrange', 'bare', 'weak') and counts[self.path] == 1:
            self.wfile.write(body[:len(body) // 2])
            self.close_connection = True
        elif how == 'slow':
            for i in range(0, len(body), 65536):
                self.wfile.write(body[i:i + 65536])
                self.wfile.flush()
                time.sleep(0.05)
        else:
            self.wfile.write(body)

    def handle(self):
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            pass


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
server.daemon_threads = True
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
