/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/http_request.h"

#include "tests/unit/check.h"

static void test_ends(void)
{
	static const struct {
		const char *bytes;
		size_t end;
	} heads[] = {
		{"", 0},
		{"GET / HTTP/1.1\r\n", 0},
		{"GET / HTTP/1.1\r\n\r", 0},
		{"GET / HTTP/1.1\r\n\r\n", 18},
		{"GET / HTTP/1.1\n\n", 16},
		{"GET / HTTP/1.1\r\nA: b\r\n\r\nGET", 24},
		{"\r\nGET / HTTP/1.1\r\n\r\n", 20},
		{"\r\n", 0},
		{"\n\n", 0},
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		CHECK_NUMBER(http_request_end(heads[i].bytes, strlen(heads[i].bytes)), heads[i].end,
			"head %zu ends where it does", i);
}

static void test_targets(void)
{
	static const struct {
		const char *target, *path;
		bool slash;
	} targets[] = {
		{"/", "/", true},
		{"/a", "/a", false},
		{"/a/b/", "/a/b", true},
		{"//a///b", "/a/b", false},
		{"/a/../../../etc/passwd", "/etc/passwd", false},
		{"/%2e%2e/%2e%2e/etc/passwd", "/etc/passwd", false},
		{"/..%2f..%2fetc", "/etc", false},
		{"/a%20b%C3%BC", "/a b\xc3\xbc", false},
		{"/a?b=/../c", "/a", false},
		{"http://10.0.2.2:8000/ks.cfg", "/ks.cfg", false},
		{"http://10.0.2.2:8000", "/", true},
		{"/a+b", "/a+b", false},
		{"a", NULL, false},
		{"*", NULL, false},
		{"/%", NULL, false},
		{"/%4", NULL, false},
		{"/%zz", NULL, false},
		{"/a%00b", NULL, false},
		{"/a\x01", NULL, false},
		{"/a b", NULL, false},
	};

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		struct http_request request;
		char head[256];
		snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\n\r\n", targets[i].target);
		int status = http_request_read(head, strlen(head), &request);
		CHECK_NUMBER(status, targets[i].path ? 0 : 400, "%s is %s", targets[i].target,
			targets[i].path ? "fine" : "refused");
		if (targets[i].path) {
			CHECK_TEXT(request.path, targets[i].path, "what it asks for");
			CHECK(request.slash == targets[i].slash, "with its slash, or without");
		}
		http_request_clear(&request);
	}
}

static void test_lines(void)
{
	static const struct {
		const char *head;
		int status;
		bool keep;
	} heads[] = {
		{"GET / HTTP/1.1\r\n\r\n", 0, true},
		{"HEAD / HTTP/1.0\r\n\r\n", 0, false},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, true},
		{"GET / HTTP/1.1\r\nconnection: close\r\n\r\n", 0, false},
		{"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 0, true},
		{"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 0, false},
		{"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 0, false},
		{"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n",
			0, false},
		{"POST / HTTP/1.1\r\n\r\n", 405, false},
		{"DELETE / HTTP/1.1\r\n\r\n", 405, false},
		{"get / HTTP/1.1\r\n\r\n", 400, false},
		{"AVERYLONGMETHODNAME / HTTP/1.1\r\n\r\n", 400, false},
		{"GET / HTTP/2.0\r\n\r\n", 505, false},
		{"GET / FTP/1.1\r\n\r\n", 400, false},
		{"GET /\r\n\r\n", 400, false},
		{"GET\r\n\r\n", 400, false},
		{"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, false},
		{"GET / HTTP/1.1\r\n: no name\r\n\r\n", 400, false},
		{"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400, false},
		{"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400, false},
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		struct http_request request;
		int status = http_request_read(heads[i].head, strlen(heads[i].head), &request);
		CHECK_NUMBER(status, heads[i].status, "request %zu", i);
		CHECK(request.keep == heads[i].keep, "its connection %s",
			heads[i].keep ? "stays" : "ends");
		http_request_clear(&request);
	}
}

static void test_ranges(void)
{
	static const struct {
		const char *range;
		bool has;
		long long first, last;
	} ranges[] = {
		{"bytes=0-9", true, 0, 9},
		{"bytes=5-", true, 5, -1},
		{"bytes=-5", true, -1, 5},
		{"BYTES=7-7", true, 7, 7},
		{"bytes=9-5", false, -1, -1},
		{"bytes=-", false, -1, -1},
		{"bytes=0-1,5-6", false, -1, -1},
		{"bytes=99999999999999999999-", false, -1, -1},
		{"bytes=--5", false, -1, -1},
		{"bytes=a-b", false, -1, -1},
		{"lines=1-2", false, -1, -1},
		{"", false, -1, -1},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		struct http_request request;
		char head[256];
		snprintf(
			head, sizeof(head), "GET / HTTP/1.1\r\nRange: %s\r\n\r\n", ranges[i].range);
		http_request_read(head, strlen(head), &request);
		CHECK(request.has_range == ranges[i].has, "'%s' is %s", ranges[i].range,
			ranges[i].has ? "a range" : "passed over");
		if (ranges[i].has) {
			CHECK_NUMBER(request.first, ranges[i].first, "from there");
			CHECK_NUMBER(request.last, ranges[i].last, "to there");
		}
		http_request_clear(&request);
	}
}

int main(void)
{
	test_ends();
	test_targets();
	test_lines();
	test_ranges();
	return check_done();
}
