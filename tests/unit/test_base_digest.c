/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "tests/unit/check.h"

static const char abc_hex[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static const char *hex_of(const char *text)
{
	static char hex[DIGEST_HEX_SIZE];
	struct digest digest;

	digest_of(text, strlen(text), &digest);
	return digest_hex(&digest, hex);
}

static const char *hmac_of(const char *key, size_t size, const char *text)
{
	static char hex[DIGEST_HEX_SIZE];
	struct digest digest;

	digest_hmac(key, size, text, strlen(text), &digest);
	return digest_hex(&digest, hex);
}

/* Source: FIPS 180-4's examples, RFC 4231. */
static void knows_vectors(void)
{
	char key[131];

	CHECK_TEXT(hex_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"SHA-256 of nothing");
	CHECK_TEXT(hex_of("abc"), abc_hex, "of abc");
	CHECK_TEXT(hex_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
		"of two blocks");
	memset(key, 0x0b, 20);
	CHECK_TEXT(hmac_of(key, 20, "Hi There"),
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
		"HMAC, RFC 4231 1");
	CHECK_TEXT(hmac_of("Jefe", 4, "what do ya want for nothing?"),
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		"HMAC, RFC 4231 2");
	memset(key, 0xaa, sizeof(key));
	CHECK_TEXT(
		hmac_of(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First"),
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
		"HMAC, RFC 4231 6");
}

static void reads_and_writes(void)
{
	struct digest digest, other;
	char text[DIGEST_TEXT_SIZE], hex[16];
	unsigned char bytes[4];

	digest_of("abc", 3, &digest);
	digest_text(&digest, text);
	CHECK(strncmp(text, "sha256:", 7) == 0 && strcmp(text + 7, abc_hex) == 0,
		"as it stands in JSON");
	CHECK(digest_parse(text, &other) && digest_equal(&digest, &other), "is read");
	CHECK(digest_parse(abc_hex, &other) && digest_equal(&digest, &other),
		"without the name too");
	for (char *c = text + 7; *c; c++)
		*c = *c >= 'a' ? *c - 32 : *c;
	CHECK(digest_parse(text, &other) && digest_equal(&digest, &other), "and in capitals");
	other.bytes[31] ^= 1;
	CHECK(!digest_equal(&digest, &other), "one bit is another digest");
	text[70] = '\0';
	CHECK(!digest_parse(text, &other) && !digest_parse("", &other) &&
			!digest_parse("md5:00", &other),
		"half a digest is none");
	text[70] = 'g';
	CHECK(!digest_parse(text, &other), "nor is what is no number");
	digest_write_hex("\x00\xff\x1a", 3, hex);
	CHECK_TEXT(hex, "00ff1a", "bytes in hexadecimal");
	CHECK(digest_read_hex("00FF1a09", bytes, 4) && memcmp(bytes, "\x00\xff\x1a\x09", 4) == 0,
		"and back");
	CHECK(!digest_read_hex("00ff1a0", bytes, 4) && !digest_read_hex("00ff1a0900", bytes, 4) &&
			!digest_read_hex("00ff1a0x", bytes, 4) &&
			!digest_read_hex("0x112233", bytes, 4),
		"nothing else");
}

static void streams(void)
{
	static const struct {
		const char *name;
		size_t size;
		const char *of_abc;
	} kinds[] = {{"md5", 16, "900150983cd24fb0d6963f7d28e17f72"},
		{"sha1", 20, "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"sha224", 28, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
		{"sha256", 32, abc_hex},
		{"sha384", 48,
			"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
			"8086072ba1e7cc2358baeca134c825a7"},
		{"sha512", 64,
			"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
			"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"}};

	CHECK_NUMBER(DIGEST_KIND_COUNT, 6, "six kinds");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		enum digest_kind kind = digest_kind_find(kinds[i].name);
		unsigned char bytes[64];
		char hex[129];
		if (!CHECK(kind < DIGEST_KIND_COUNT && digest_kind_size(kind) == kinds[i].size,
			    "%s has its size", kinds[i].name))
			continue;
		CHECK_TEXT(digest_kind_name(kind), kinds[i].name, "and its name");
		CLEANUP(digest_stream_freep) struct digest_stream *stream = digest_stream_new(kind);
		for (int round = 0; round < 2; round++) {
			digest_stream_add(stream, "a", 1);
			digest_stream_add(stream, "", 0);
			digest_stream_add(stream, "bc", 2);
			digest_stream_end(stream, bytes);
			digest_write_hex(bytes, kinds[i].size, hex);
			CHECK_TEXT(hex, kinds[i].of_abc, "%s of abc in pieces, time %d",
				kinds[i].name, round + 1);
		}
	}
	CHECK_NUMBER(digest_kind_find("sha3"), DIGEST_KIND_COUNT, "a kind that is none");
	digest_stream_free(NULL);
}

static void reads_files(void)
{
	struct digest of_file, wanted;
	struct error err;
	size_t size = 300000;
	autofree char *bytes = memory_new(size);
	autoclose int fd = memfd_create("bytes", MFD_CLOEXEC);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	CHECK(write(fd, bytes, size) == (ssize_t)size && lseek(fd, 1000, SEEK_SET) == 1000,
		"a file");
	digest_of(bytes + 1000, size - 1000, &wanted);
	CHECK(digest_of_fd(fd, &of_file, &err) == 0 && digest_equal(&of_file, &wanted),
		"is read from its offset to its end");
	CHECK(digest_of_fd(-1, &of_file, &err) < 0, "what is no file is an error");
}

int main(void)
{
	knows_vectors();
	reads_and_writes();
	streams();
	reads_files();
	return check_done();
}
