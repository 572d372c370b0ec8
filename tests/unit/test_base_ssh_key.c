/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ssh_key.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/process.h"
#include "tests/unit/check.h"

static char folder[] = "/tmp/kiln-ssh-key-XXXXXX";

/* What ssh-keygen says to the key at PATH. */
static int keygen(const char *option, const char *path, struct text *said)
{
	const char *const arguments[] = {"ssh-keygen", option, "-P", "", "-f", path, NULL};
	struct process_options options = PROCESS_OPTIONS;
	struct error err;

	options.arguments = arguments;
	return process_run(&options, 60, 65536, said, &err);
}

static void makes(enum ssh_key_type type, const char *name)
{
	autofree char *path = memory_printf("%s/%d", folder, type);
	CLEANUP(text_clear) struct text said = {0};
	struct ssh_key key = {0}, other = {0};
	struct ssh_key_about about = {0};
	struct error err = {0};

	struct digest seed, other_seed;

	digest_of(name, strlen(name), &seed);
	digest_of("", 0, &other_seed);
	if (!CHECK(ssh_key_derive(type, &seed, "kiln build", &key, &err) == 0, "a key of %s", name))
		return;
	CHECK(ssh_key_describe(key.private_text, strlen(key.private_text), &about) &&
			strcmp(about.type, name) == 0 && !about.encrypted && !about.is_rsa,
		"which says what it is");
	CHECK(file_write_new(
		      AT_FDCWD, path, 0600, key.private_text, strlen(key.private_text), &err) == 0,
		"written down");
	if (keygen("-y", path, &said) == 0) {
		said.size -= said.size && said.data[said.size - 1] == '\n';
		said.data[said.size] = '\0';
		CHECK_TEXT(
			text_get(&said), key.public_text, "ssh-keygen finds the same public key");
	} else {
		printf("# %s\n", text_get(&said));
		CHECK(access("/usr/bin/ssh-keygen", X_OK) < 0, "ssh-keygen reads it");
	}
	ssh_key_derive(type, &seed, "kiln build", &other, &err);
	CHECK_TEXT(other.public_text, key.public_text, "the same seed gives the same key");
	ssh_key_clear(&other);
	ssh_key_derive(type, &other_seed, "kiln build", &other, &err);
	CHECK(strcmp(key.public_text, other.public_text) != 0, "another one another");
	ssh_key_clear(&key);
	ssh_key_clear(&other);
}

/* Known pairs: RFC 8032 section 7.1 test 1; RFC 6979 A.2.5, of whose x the seed is one less. */
static void derives(void)
{
	static const struct {
		enum ssh_key_type type;
		const char *seed, *public_text;
	} pairs[] = {
		{SSH_KEY_ED25519, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea c"},
		{SSH_KEY_ECDSA, "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6720",
			"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGD+"
			"1LolWp0xyWHrdMY1bWjASbiSO2H6bOZpYi5g8p+2eQP+EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRG"
			"Ipk= c"},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct ssh_key key = {0};
		struct digest seed;
		struct error err;
		CHECK(digest_parse(pairs[i].seed, &seed) &&
				ssh_key_derive(pairs[i].type, &seed, "c", &key, &err) == 0,
			"a known seed");
		CHECK_TEXT(key.public_text, pairs[i].public_text, "leads to its public key");
		ssh_key_clear(&key);
	}
}

static void describes(void)
{
	static const char *const bad[] = {"", "no key", "-----BEGIN OPENSSH PRIVATE KEY-----\n",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
		/* the magic word, and then a length that leads far behind the end */
		"-----BEGIN OPENSSH PRIVATE "
		"KEY-----\nb3BlbnNzaC1rZXktdjEA/////w==\n-----END OPENSSH PRIVATE KEY-----\n",
		"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"};
	static const char curve[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
		"-----END PRIVATE KEY-----\n"; /* RFC 8032, section 7.1, test 1 */
	struct ssh_key_about about = {.type = "untouched"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(!ssh_key_describe(bad[i], strlen(bad[i]), &about), "text %zu is no key", i);
	CHECK_TEXT(about.type, "untouched", "and nothing is said of it");
	CHECK(ssh_key_describe(curve, strlen(curve), &about) &&
			strcmp(about.type, "ssh-ed25519") == 0,
		"PKCS 8 is read");
}

/* Each length that a damaged file can have. */
static void survives_cuts(void)
{
	struct ssh_key key = {0};
	struct ssh_key_about about;
	struct error err;
	size_t described = 0;
	struct digest seed;

	digest_of("", 0, &seed);
	ssh_key_derive(SSH_KEY_ED25519, &seed, "", &key, &err);
	for (size_t size = 0; size < strlen(key.private_text) - 1; size++)
		described += ssh_key_describe(key.private_text, size, &about);
	CHECK_NUMBER(described, 0, "a key that is cut off is none, wherever it is");
	ssh_key_clear(&key);
}

int main(void)
{
	char text[SSH_FINGERPRINT_SIZE];
	struct error err;

	if (!mkdtemp(folder))
		return 1;
	makes(SSH_KEY_ED25519, "ssh-ed25519");
	makes(SSH_KEY_ECDSA, "ecdsa-sha2-nistp256");
	derives();
	describes();
	survives_cuts();
	CHECK_TEXT(ssh_key_fingerprint("abc", 3, text),
		"SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
		"a fingerprint is the SHA-256 in base64 without its padding");
	folder_remove(AT_FDCWD, folder, &err);
	return check_done();
}
