/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/check.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "reconciler/git/fetch/known_hosts.h"

/* Keys that ssh-keygen made; the fingerprints are what `ssh-keygen -l` says of them. */
#define ED "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwkg73tteBqir13EjmspCj9d5K3XCPttSHJtAseHO3d"
#define ED_SHOWN "ssh-ed25519 SHA256:uw/j45vsAJCcq2lw1R+MwDr+hN9dDJbAILPqGTuDu80"
#define OTHER "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID7R8AjSUUXyAHVSXOWR4nGOVoaxpRDAEu4CEfwVcPWj"
#define EC                                                                                         \
	"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMNuCOsYABT3EfO9" \
	"SVlVv3aJf+TEWx14jXKvFZJizdIs7rBslz4Hmog6YdA4G6Srb+Xn2ZobcYosuUJfDqRkMiQ="
/* and these are from `ssh-keygen -H`: example.org, and [example.org]:2222 */
#define HASHED "|1|mhApxuegsLiGbUAilMA5rbNscT4=|TasivT5cO0K7u01yG8OciMS4sn4= " ED
#define HASHED_PORT "|1|uEQTLHrhCswXU0zOS+hixQ0i0G4=|nt22j2lpxs7O2HN2YRITf03sObc= " EC

static const struct {
	const char *file, *host;
	int port;
	const char *key;
	const char *why; /* NULL: it is known */
	const char *types;
} cases[] = {
	{"example.org " ED "\n", "example.org", 22, ED, NULL, "ssh-ed25519"},
	{"example.org " ED, "example.org", 22, ED, NULL, "ssh-ed25519"},
	{"example.org " ED " ann@home # x\r\n", "EXAMPLE.org", 22, ED, NULL, "ssh-ed25519"},
	{"Example.ORG\t" ED "\n", "example.org", 22, ED, NULL, "ssh-ed25519"},
	{"a,example.org,192.0.2.1 " ED "\n", "192.0.2.1", 22, ED, NULL, "ssh-ed25519"},
	{"::1 " ED "\n", "::1", 22, ED, NULL, "ssh-ed25519"},
	{"[::1]:2222 " ED "\n", "::1", 2222, ED, NULL, "ssh-ed25519"},
	{"*.example.org " ED "\n", "git.example.org", 22, ED, NULL, "ssh-ed25519"},
	{"*.example.org " ED "\n", "example.org", 22, ED, "not in", ""},
	{"git?.example.org " ED "\n", "git1.example.org", 22, ED, NULL, "ssh-ed25519"},
	{"*.example.org,!bad.example.org " ED "\n", "bad.example.org", 22, ED, "not in", ""},
	{"!bad.example.org,*.example.org " ED "\n", "bad.example.org", 22, ED, "not in", ""},
	{"[ab]c " ED "\n", "ac", 22, ED, "not in", ""},
	{"", "example.org", 22, ED, "not in", ""},
	{"\n \n# example.org " ED "\n", "example.org", 22, ED, "not in", ""},
	{"example.org\nexample.org ssh-ed25519\nexample.org ssh-ed25519 ***\nexample.org " ED "\n",
		"example.org", 22, ED, NULL, "ssh-ed25519"},
	{"other.org " ED "\n", "example.org", 22, ED, ED_SHOWN, ""},
	{"example.org " OTHER "\n", "example.org", 22, ED, "somebody is in between", "ssh-ed25519"},
	{"example.org " OTHER "\n", "example.org", 22, ED, ED_SHOWN, "ssh-ed25519"},
	{"example.org " EC "\n", "example.org", 22, ED, "another type", "ecdsa-sha2-nistp256"},
	{"example.org " OTHER "\nexample.org " ED "\n", "example.org", 22, ED, NULL, "ssh-ed25519"},
	{"example.org " EC "\nexample.org " ED "\n", "example.org", 22, ED, NULL,
		"ecdsa-sha2-nistp256 ssh-ed25519"},
	/* ports */
	{"[example.org]:2222 " ED "\n", "example.org", 2222, ED, NULL, "ssh-ed25519"},
	{"[example.org]:2222 " ED "\n", "example.org", 22, ED, "not in", ""},
	{"[example.org]:2222 " ED "\n", "example.org", 2223, ED, "[example.org]:2223", ""},
	{"example.org " ED "\n", "example.org", 2222, ED, NULL, "ssh-ed25519"},
	{"example.org " OTHER "\n", "example.org", 2222, ED, "is not in", "ssh-ed25519"},
	{"[*.org]:2222 " ED "\n", "example.org", 2222, ED, NULL, "ssh-ed25519"},
	{"[example.org]:2222 " OTHER "\nexample.org " ED "\n", "example.org", 2222, ED,
		"somebody is in between", "ssh-ed25519"},
	{"example.org " ED "\n[example.org]:2222 " EC "\n", "example.org", 2222, ED, "another type",
		"ecdsa-sha2-nistp256"},
	{"[example.org]:2222 " OTHER "\nexample.org " ED "\n", "example.org", 22, ED, NULL,
		"ssh-ed25519"},
	{"@revoked [example.org]:2222 " OTHER "\nexample.org " ED "\n", "example.org", 2222, ED,
		NULL, "ssh-ed25519"},
	/* hashed */
	{HASHED "\n", "example.org", 22, ED, NULL, "ssh-ed25519"},
	{HASHED "\n", "Example.Org", 22, ED, NULL, "ssh-ed25519"},
	{HASHED "\n", "example.com", 22, ED, "not in", ""},
	{HASHED_PORT "\n", "example.org", 2222, EC, NULL, "ecdsa-sha2-nistp256"},
	{HASHED_PORT "\n", "example.org", 22, EC, "not in", ""},
	{HASHED "\n" HASHED_PORT "\n", "example.org", 2222, EC, NULL, "ecdsa-sha2-nistp256"},
	{HASHED "\n" HASHED_PORT "\n", "example.org", 2222, ED, "another type",
		"ecdsa-sha2-nistp256"},
	{"|1|x " ED "\n|2|mhApxuegsLiGbUAilMA5rbNscT4=|TasivT5cO0K7u01yG8OciMS4sn4= " ED
	 "\n|1|||" ED "\n|1|| " ED "\n",
		"example.org", 22, ED, "not in", ""},
	/* markers */
	{"@revoked example.org " ED "\n", "example.org", 22, ED, "revoked", ""},
	{"@revoked * " ED "\nexample.org " ED "\n", "example.org", 22, ED, "revoked",
		"ssh-ed25519"},
	{"example.org " ED "\n@revoked * " ED "\n", "example.org", 2222, ED, "revoked",
		"ssh-ed25519"},
	{"@revoked * " OTHER "\nexample.org " ED "\n", "example.org", 22, ED, NULL, "ssh-ed25519"},
	{"@cert-authority *.org " ED "\n", "example.org", 22, ED, "not in", ""},
	{"@other example.org " ED "\n", "example.org", 22, ED, "not in", ""},
	{"@revoked\n@revoked example.org\n", "example.org", 22, ED, "not in", ""},
};

static size_t bytes_of(const char *key, unsigned char bytes[static 256])
{
	const char *text = strchr(key, ' ') + 1;
	int size = EVP_DecodeBlock(bytes, (const unsigned char *)text, strlen(text));

	for (size_t i = strlen(text); text[i - 1] == '='; i--)
		size--;
	return size;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return;
	fputs(text, file);
	fclose(file);
}

static void test_cases(const char *path)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CLEANUP(known_hosts_clear) struct known_hosts hosts = {0};
		CLEANUP(strings_clear) struct strings types = {0};
		unsigned char key[256];
		struct error err = {0};

		write_file(path, cases[i].file);
		CHECK(known_hosts_read(path, &hosts, &err) == 0, "case %zu is read", i);
		int code = known_hosts_check(&hosts, cases[i].host, cases[i].port, key,
			bytes_of(cases[i].key, key), &err);
		CHECK(code == (cases[i].why ? -1 : 0), "case %zu: %s", i,
			cases[i].why ? cases[i].why : "known");
		CHECK(!cases[i].why ||
				(strstr(err.text, cases[i].why) && err.kind == ERROR_CATALOG),
			"why: %s", err.text);
		known_hosts_types(&hosts, cases[i].host, cases[i].port, &types);
		autofree char *joined = strings_join(&types, " ");
		CHECK_TEXT(joined, cases[i].types, "case %zu: the types it has", i);
		strings_each (type, &types) {
			autofree char *line =
				known_hosts_line(&hosts, cases[i].host, cases[i].port, type);
			CHECK(line && strstr(line, type) && !strpbrk(line, "|*?,@"),
				"a line of it for libssh2: %.60s", line ? line : "(null)");
		}
	}
}

/* A line for libssh2 has a key that counts, not the one of the host at its usual port. */
static void test_line(const char *path)
{
	CLEANUP(known_hosts_clear) struct known_hosts hosts = {0};
	struct error err = {0};

	write_file(path, "example.org " ED "\nexample.org " EC "\n[example.org]:2222 " OTHER "\n");
	CHECK(known_hosts_read(path, &hosts, &err) == 0, "a host with a key at another port");
	autofree char *there = known_hosts_line(&hosts, "example.org", 2222, "ssh-ed25519");
	CHECK_TEXT(there, "[example.org]:2222 " OTHER "\n", "the line there has that key");
	CHECK(!known_hosts_line(&hosts, "example.org", 2222, "ecdsa-sha2-nistp256"),
		"a type that it has not there has no line");
	autofree char *elsewhere = known_hosts_line(&hosts, "example.org", 2223, "ssh-ed25519");
	CHECK_TEXT(elsewhere, "[example.org]:2223 " ED "\n", "at a third port it is the usual one");
}

static void test_odd_keys(const char *path)
{
	CLEANUP(known_hosts_clear) struct known_hosts hosts = {0};
	static const unsigned char heads[][4] = {{0, 0, 0, 0}, {0, 0, 0, 1}, {0, 0, 0, 3},
		{0, 0, 0, 4}, {0, 0, 0, 255}, {255, 255, 255, 255}};
	struct error err = {0};

	write_file(path, "example.org " ED "\n");
	known_hosts_read(path, &hosts, &err);
	for (size_t size = 0; size < 8; size++)
		for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
			unsigned char *bytes = memory_new(size ? size : 1);
			memcpy(bytes, heads[i], size < 4 ? size : 4);
			CHECK(known_hosts_check(&hosts, "example.org", 22, bytes, size, &err) < 0,
				"odd key %zu of %zu bytes is not known", i, size);
			free(bytes);
		}
}

int main(void)
{
	char path[] = "/tmp/kiln-known-hosts-XXXXXX";
	struct known_hosts hosts = {0};
	struct error err = {0};
	int fd = mkstemp(path);

	close(fd);
	test_cases(path);
	test_line(path);
	test_odd_keys(path);
	unlink(path);
	CHECK(known_hosts_read(path, &hosts, &err) < 0 && err.kind != ERROR_NONE,
		"a file that is not there is an error: %s", err.text);
	return check_done();
}
