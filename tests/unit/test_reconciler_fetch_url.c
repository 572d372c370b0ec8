/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "reconciler/credentials.h"
#include "reconciler/git/fetch/url.h"

static const struct {
	const char *text;
	enum remote_scheme scheme;
	const char *user, *host;
	int port;
	const char *path, *call, *shown;
} good[] = {
	{"/srv/git/a.git", REMOTE_FILE, NULL, NULL, 0, "/srv/git/a.git", "/srv/git/a.git",
		"/srv/git/a.git"},
	{"file:///srv/a%20b", REMOTE_FILE, NULL, NULL, 0, "/srv/a b", "/srv/a b", "/srv/a b"},
	{"file://localhost/srv/a", REMOTE_FILE, NULL, NULL, 0, "/srv/a", "/srv/a", "/srv/a"},
	{"https://example.org/a.git", REMOTE_HTTPS, NULL, "example.org", 443, "/a.git",
		"https://example.org/a.git", "https://example.org/a.git"},
	{"HTTPS://ann@example.org:8443/a?b=c", REMOTE_HTTPS, "ann", "example.org", 8443, "/a?b=c",
		"https://example.org:8443/a?b=c", "https://example.org:8443/a"},
	{"https://a%62c@[2001:db8::1]:443/a", REMOTE_HTTPS, "abc", "2001:db8::1", 443, "/a",
		"https://[2001:db8::1]/a", "https://[2001:db8::1]/a"},
	{"ssh://git@example.org/~/a", REMOTE_SSH, "git", "example.org", 22, "/~/a",
		"ssh://git@example.org/~/a", "ssh://example.org/~/a"},
	{"ssh://[::1]:2222/a", REMOTE_SSH, NULL, "::1", 2222, "/a", "ssh://[::1]:2222/a",
		"ssh://[::1]:2222/a"},
	{"git@example.org:images/a.git", REMOTE_SSH, "git", "example.org", 22, "images/a.git",
		"git@example.org:images/a.git", "ssh://example.org/images/a.git"},
	{"example.org:a", REMOTE_SSH, NULL, "example.org", 22, "a", "example.org:a",
		"ssh://example.org/a"},
	{"git@[::1]:a", REMOTE_SSH, "git", "::1", 22, "a", "git@[::1]:a", "ssh://[::1]/a"},
	{"git://example.org/a", REMOTE_GIT, NULL, "example.org", 9418, "/a", "git://example.org/a",
		"git://example.org/a"},
	{"http://example.org:8080/a", REMOTE_HTTP, NULL, "example.org", 8080, "/a",
		"http://example.org:8080/a", "http://example.org:8080/a"},
};

static const struct {
	const char *text, *why;
} bad[] = {
	{"images", "not absolute"},
	{"./a:b", "not absolute"},
	{"", "not absolute"},
	{"ftp://example.org/a", "none of https"},
	{"https://ann:hush@example.org/a", "password"},
	{"ssh://ann:hush@example.org/a", "password"},
	{"https:///a", "no host"},
	{"https://-oProxyCommand/a", "no host"},
	{"https://example.org", "no repository"},
	{"https://example.org/", "no repository"},
	{"https://example.org:0/a", "port"},
	{"https://example.org:65536/a", "port"},
	{"https://example.org:99999999999999999999/a", "port"},
	{"https://example.org:12x/a", "port"},
	{"https://[::1/a", "'['"},
	{"https://[::1]x/a", "'['"},
	{"file://example.org/a", "not absolute"},
	{"git@example.org:", "no repository"},
	{"ssh://example.org/a'b", "single quote"},
	{"https://example.org/a\nb", "control"},
	{"https://a%40b@example.org/a", "user"},
};

static void test_good(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CLEANUP(remote_url_clear) struct remote_url url = {0};
		struct error err = {0};
		CHECK(remote_url_parse(good[i].text, &url, &err) == 0, "%s is a url%s%s",
			good[i].text, err.kind ? ": " : "", err.text);
		CHECK_NUMBER(url.scheme, good[i].scheme, "%s: scheme", good[i].text);
		CHECK_TEXT(url.user, good[i].user, "%s: user", good[i].text);
		CHECK_TEXT(url.host, good[i].host, "%s: host", good[i].text);
		CHECK_NUMBER(url.port, good[i].port, "%s: port", good[i].text);
		CHECK_TEXT(url.path, good[i].path, "%s: path", good[i].text);
		CHECK_TEXT(url.call, good[i].call, "%s: as libgit2 gets it", good[i].text);
		CHECK_TEXT(url.shown, good[i].shown, "%s: as people see it", good[i].text);
		CHECK(remote_url_is_remote(good[i].text) == (good[i].scheme != REMOTE_FILE),
			"%s: remote or not", good[i].text);
	}
}

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CLEANUP(remote_url_clear) struct remote_url url = {0};
		struct error err = {0};
		CHECK(remote_url_parse(bad[i].text, &url, &err) < 0, "bad url %zu is none", i);
		CHECK(err.kind == ERROR_CATALOG && strstr(err.text, bad[i].why), "and why: %s",
			err.text);
		CHECK(!strstr(err.text, "hush"), "no password is shown");
		CHECK(!url.call, "nothing is written on failure");
	}
}

/* ---- what credentials go with which ---- */

static const struct {
	const char *url, *credentials, *key, *why; /* why NULL: all is well */
} pairs[] = {
	{"https://h/a", NULL, NULL, NULL},
	{"https://h/a", "{}", NULL, NULL},
	{"https://h/a", "{\"token_file\": \"/t\"}", NULL, NULL},
	{"https://h/a", "{\"username\": \"u\", \"password_file\": \"/p\", \"ca_file\": \"/c\"}",
		NULL, NULL},
	{"https://h/a", "{\"certificate_file\": \"/c\", \"key_file\": \"/k\"}", NULL, NULL},
	{"https://h/a", "{\"certificate_file\": \"/c\"}", "certificate_file", "needs both"},
	{"https://h/a", "{\"key_file\": \"/c\"}", "key_file", "needs both"},
	{"https://h/a", "{\"username\": \"u\"}", "username", "needs"},
	{"https://h/a", "{\"token_file\": \"/t\", \"password_file\": \"/p\"}", "token_file",
		"one of the two"},
	{"https://h/a", "{\"passphrase_file\": \"/t\"}", "passphrase_file", "key_file"},
	{"https://h/a", "{\"ssh_key_file\": \"/t\"}", "ssh_key_file", "nothing for https"},
	{"https://h/a", "{\"ssh_agent\": false, \"token_file\": \"/t\"}", NULL, NULL},
	{"http://h/a", NULL, NULL, NULL},
	{"http://h/a", "{}", NULL, NULL},
	{"http://h/a", "{\"token_file\": \"/t\"}", "token_file", "anybody can read"},
	{"git://h/a", "{\"token_file\": \"/t\"}", "token_file", "anybody can read"},
	{"ssh://h/a", NULL, NULL, "known_hosts_file"},
	{"ssh://h/a", "{\"ssh_key_file\": \"/k\"}", NULL, "known_hosts_file"},
	{"ssh://h/a", "{\"known_hosts_file\": \"/k\"}", NULL, "ssh_key_file"},
	{"h:a", "{\"known_hosts_file\": \"/k\", \"ssh_agent\": true}", NULL, NULL},
	{"ssh://h/a",
		"{\"known_hosts_file\": \"/k\", \"ssh_agent\": true, \"passphrase_file\": \"/p\"}",
		"passphrase_file", "needs"},
	{"ssh://h/a", "{\"known_hosts_file\": \"/k\", \"password_file\": \"/p\"}", "password_file",
		"nothing for ssh"},
	{"/srv/a", "{\"token_file\": \"/p\"}", "token_file", "this machine"},
};

static void test_pairs(void)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		CLEANUP(remote_url_clear) struct remote_url url = {0};
		const char *text = pairs[i].credentials, *key = "unset";
		struct service_credentials *credentials = NULL;
		autojson struct json *object = NULL;
		struct error err = {0};
		struct settings_reader reader = {{"t", text, text ? strlen(text) : 0}, .err = &err};
		if (text && (json_parse(&reader.source, JSON_STRICT, &object, &err) < 0 ||
				    credentials_read(&reader, object, &credentials) < 0))
			CHECK(false, "%s is read: %s", text, err.text);
		remote_url_parse(pairs[i].url, &url, &err);
		const char *why = credentials_check(credentials, &url, &key);
		CHECK(!why == !pairs[i].why && (!why || strstr(why, pairs[i].why)),
			"%s with %s: %s", pairs[i].url, text ? text : "nothing",
			why ? why : "fine");
		CHECK_TEXT(key, pairs[i].key, "the key it is about");
		credentials_free(credentials);
	}
}

static void test_json(void)
{
	static const char text[] = "{\"username\":\"u\",\"token_file\":\"/t\",\"ssh_agent\":true}";
	struct service_credentials *credentials = NULL;
	autojson struct json *object = NULL, *again = NULL;
	struct error err = {0};
	struct settings_reader reader = {{"t", text, sizeof(text) - 1}, .err = &err};

	CHECK(json_parse(&reader.source, JSON_STRICT, &object, &err) == 0 &&
			credentials_read(&reader, object, &credentials) == 0,
		"credentials are read");
	again = credentials_to_json(credentials);
	autofree char *line = json_to_line(again);
	CHECK_TEXT(line, text, "and written as they were");
	credentials_free(credentials);
	CHECK(credentials_to_json(NULL) == NULL, "none are null");
	credentials_free(NULL);
}

int main(void)
{
	test_good();
	test_bad();
	test_pairs();
	test_json();
	return check_done();
}
