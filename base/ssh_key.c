/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ssh_key.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"

#define MAGIC "openssh-key-v1" /* with its NUL */
#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END "-----END OPENSSH PRIVATE KEY-----"
enum { ED25519_BYTES = 32, BLOCK = 8, LINE = 70, POINT_MOST = 133 };

static void free_pkey(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}
static void free_number(BIGNUM **number)
{
	BN_clear_free(*number);
}
static void free_group(EC_GROUP **group)
{
	EC_GROUP_free(*group);
}
static void free_point(EC_POINT **point)
{
	EC_POINT_free(*point);
}
static void free_bio(BIO **bio)
{
	BIO_free(*bio);
}

/* ---- the wire's types ---- */

static void add_number(struct text *out, uint32_t number)
{
	const unsigned char bytes[] = {number >> 24, number >> 16, number >> 8, number};

	text_add_bytes(out, bytes, sizeof(bytes));
}

static void add_string(struct text *out, const void *bytes, size_t size)
{
	add_number(out, (uint32_t)size);
	text_add_bytes(out, bytes, size);
}

/* A positive mpint: a zero byte keeps the sign. */
static void add_positive(struct text *out, const BIGNUM *number)
{
	unsigned char bytes[POINT_MOST] = {0};
	int size = BN_bn2bin(number, bytes + 1);

	if (bytes[1] & 0x80)
		add_string(out, bytes, size + 1);
	else
		add_string(out, bytes + 1, size);
}

/* ---- a pair: its public blob, and what is private of it ---- */

static int make_ed25519(const struct digest *seed, struct text *blob, struct text *secret)
{
	CLEANUP(free_pkey)
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(
		EVP_PKEY_ED25519, NULL, seed->bytes, ED25519_BYTES);
	unsigned char both[2 * ED25519_BYTES];
	size_t size = ED25519_BYTES;

	if (!key || EVP_PKEY_get_raw_public_key(key, both + ED25519_BYTES, &size) != 1)
		return -1;
	memcpy(both, seed->bytes, ED25519_BYTES);
	add_string(blob, "ssh-ed25519", strlen("ssh-ed25519"));
	add_string(blob, both + ED25519_BYTES, ED25519_BYTES);
	text_add_bytes(secret, blob->data, blob->size);
	add_string(secret, both, sizeof(both));
	OPENSSL_cleanse(both, sizeof(both));
	return 0;
}

/* A number from 1 to below the order of the group: the seed's, which is as long (FIPS 186-5, A.2.1 asks for 64 bits more, for signers). */
static bool read_scalar(const EC_GROUP *group, const struct digest *seed, BIGNUM *number)
{
	CLEANUP(free_number) BIGNUM *most = BN_dup(EC_GROUP_get0_order(group));
	BN_CTX *context = BN_CTX_new();
	bool good = most && context && BN_sub_word(most, 1) == 1 &&
	            BN_bin2bn(seed->bytes, DIGEST_SIZE, number) &&
	            BN_mod(number, number, most, context) == 1 && BN_add_word(number, 1) == 1;

	BN_CTX_free(context);
	return good;
}

static int make_ecdsa(const struct digest *seed, struct text *blob, struct text *secret)
{
	CLEANUP(free_group) EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	CLEANUP(free_point) EC_POINT *point = group ? EC_POINT_new(group) : NULL;
	CLEANUP(free_number) BIGNUM *number = BN_secure_new();
	unsigned char bytes[POINT_MOST];

	if (!point || !number || !read_scalar(group, seed, number) ||
		EC_POINT_mul(group, point, number, NULL, NULL, NULL) != 1)
		return -1;
	size_t size = EC_POINT_point2oct(
		group, point, POINT_CONVERSION_UNCOMPRESSED, bytes, sizeof(bytes), NULL);
	if (size == 0)
		return -1;
	add_string(blob, "ecdsa-sha2-nistp256", strlen("ecdsa-sha2-nistp256"));
	add_string(blob, "nistp256", strlen("nistp256"));
	add_string(blob, bytes, size);
	text_add_bytes(secret, blob->data, blob->size);
	add_positive(secret, number);
	return 0;
}

static int (*const makers[SSH_KEY_TYPE_COUNT])(
	const struct digest *seed, struct text *blob, struct text *secret) = {
	[SSH_KEY_ED25519] = make_ed25519,
	[SSH_KEY_ECDSA] = make_ecdsa,
};

static int add_private_file(
	const struct text *blob, const struct text *secret, const char *comment, struct text *out)
{
	CLEANUP(text_clear) struct text inner = {0}, whole = {0};
	uint32_t check;

	if (RAND_bytes((unsigned char *)&check, sizeof(check)) != 1)
		return -1;
	add_number(&inner, check);
	add_number(&inner, check);
	text_add_bytes(&inner, secret->data, secret->size);
	add_string(&inner, comment, strlen(comment));
	for (char pad = 1; inner.size % BLOCK; pad++)
		text_add_char(&inner, pad);
	text_add_bytes(&whole, MAGIC, sizeof(MAGIC));
	add_string(&whole, "none", 4); /* cipher */
	add_string(&whole, "none", 4); /* key derivation */
	add_string(&whole, "", 0);
	add_number(&whole, 1); /* keys */
	add_string(&whole, blob->data, blob->size);
	add_string(&whole, inner.data, inner.size);
	autofree char *lines = base64_encode((unsigned char *)whole.data, whole.size);
	text_add(out, BEGIN "\n");
	for (const char *rest = lines; *rest; rest += strnlen(rest, LINE))
		text_addf(out, "%.*s\n", LINE, rest);
	text_add(out, END "\n");
	OPENSSL_cleanse(inner.data, inner.size);
	OPENSSL_cleanse(whole.data, whole.size);
	OPENSSL_cleanse(lines, strlen(lines));
	return 0;
}

int ssh_key_derive(enum ssh_key_type type, const struct digest *seed, const char *comment,
	struct ssh_key *key, struct error *err)
{
	CLEANUP(text_clear) struct text blob = {0}, secret = {0}, file = {0};

	if (makers[type](seed, &blob, &secret) < 0 ||
		add_private_file(&blob, &secret, comment, &file) < 0)
		return fail(err, ERROR_BROKEN, "OpenSSL makes no key pair");
	OPENSSL_cleanse(secret.data, secret.size);
	autofree char *encoded = base64_encode((unsigned char *)blob.data, blob.size);
	key->public_text = memory_printf("%s %s %s",
		type == SSH_KEY_ED25519 ? "ssh-ed25519" : "ecdsa-sha2-nistp256", encoded, comment);
	key->private_text = text_take(&file);
	return 0;
}

void ssh_key_clear(struct ssh_key *key)
{
	if (key->private_text)
		OPENSSL_cleanse(key->private_text, strlen(key->private_text));
	free(key->private_text);
	free(key->public_text);
	*key = (struct ssh_key){0};
}

/* ---- what a file holds ---- */

/* Moves on behind a string; false where the bytes end too early. */
static bool take_string(
	const unsigned char **at, size_t *left, const unsigned char **bytes, size_t *size)
{
	if (*left < 4)
		return false;
	*size = (size_t)(*at)[0] << 24 | (*at)[1] << 16 | (*at)[2] << 8 | (*at)[3];
	if (*size > *left - 4)
		return false;
	*bytes = *at + 4;
	*at += 4 + *size;
	*left -= 4 + *size;
	return true;
}

static bool describe_blob(const unsigned char *bytes, size_t size, struct ssh_key_about *about)
{
	const unsigned char *word, *blob;
	size_t length;

	if (size < sizeof(MAGIC) || memcmp(bytes, MAGIC, sizeof(MAGIC)) != 0)
		return false;
	bytes += sizeof(MAGIC);
	size -= sizeof(MAGIC);
	if (!take_string(&bytes, &size, &word, &length))
		return false;
	about->encrypted = length != 4 || memcmp(word, "none", 4) != 0;
	if (!take_string(&bytes, &size, &word, &length) ||
		!take_string(&bytes, &size, &word, &length) || size < 4)
		return false;
	bytes += 4;
	size -= 4;
	if (!take_string(&bytes, &size, &blob, &length) ||
		!take_string(&blob, &length, &word, &size) || size >= sizeof(about->type))
		return false;
	memcpy(about->type, word, size);
	return true;
}

static bool describe_openssh(const char *text, struct ssh_key_about *about)
{
	CLEANUP(text_clear) struct text packed = {0};
	const char *end = strstr(text, END);
	size_t size;

	for (const char *c = text + strlen(BEGIN); end && c < end; c++)
		if (!strchr(" \t\r\n", *c))
			text_add_char(&packed, *c);
	autofree unsigned char *bytes = base64_decode(text_get(&packed), packed.size, &size);
	return bytes && describe_blob(bytes, size, about);
}

static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing;
	*(bool *)context = true;
	return -1;
}

static bool describe_pem(const char *text, size_t size, struct ssh_key_about *about)
{
	CLEANUP(free_bio) BIO *bio = BIO_new_mem_buf(text, (int)size);
	CLEANUP(free_pkey)
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &about->encrypted);
	int kind = key ? EVP_PKEY_get_base_id(key) : 0;

	if (kind == EVP_PKEY_RSA || (!key && strstr(text, "BEGIN RSA PRIVATE KEY")))
		strcpy(about->type, "ssh-rsa");
	else if (kind == EVP_PKEY_EC)
		snprintf(about->type, sizeof(about->type), "ecdsa-sha2-nistp%d",
			EVP_PKEY_get_bits(key));
	else if (kind == EVP_PKEY_ED25519)
		strcpy(about->type, "ssh-ed25519");
	else if (kind == EVP_PKEY_DSA)
		strcpy(about->type, "ssh-dss");
	return key || about->encrypted;
}

bool ssh_key_describe(const char *text, size_t size, struct ssh_key_about *about)
{
	autofree char *copy = memory_copy_bytes(text, size);
	struct ssh_key_about found = {0};
	const char *start = strstr(copy, BEGIN);
	bool good = start ? describe_openssh(start, &found) : describe_pem(copy, size, &found);

	OPENSSL_cleanse(copy, size);
	if (!good)
		return false;
	found.is_rsa = strcmp(found.type, "ssh-rsa") == 0;
	*about = found;
	return true;
}

const char *ssh_key_fingerprint(
	const void *blob, size_t size, char text[static SSH_FINGERPRINT_SIZE])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	EVP_Digest(blob, size, hash, &length, EVP_sha256(), NULL);
	autofree char *encoded = base64_encode(hash, length);
	snprintf(text, SSH_FINGERPRINT_SIZE, "SHA256:%.*s", (int)strcspn(encoded, "="), encoded);
	return text;
}
