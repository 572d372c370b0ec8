/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/media/checksum.h"

#include "base/text.h"
#include "tests/unit/check.h"

#define MD5 "d41d8cd98f00b204e9800998ecf8427e"
#define SHA1 "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OTHER "0000000000000000000000000000000000000000000000000000000000000000"
#define SHA512                                                             \
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" \
	"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

static void test_forms(void)
{
	static const struct {
		const char *text, *reads;
	} forms[] = {
		{MD5, "md5:" MD5},
		{SHA1, "sha1:" SHA1},
		{SHA256, "sha256:" SHA256},
		{SHA512, "sha512:" SHA512},
		{"SHA256:" SHA256, "sha256:" SHA256},
		{"md5:D41D8CD98F00B204E9800998ECF8427E", "md5:" MD5},
		{"none", "none"},
		{"file:http://example.org/SHA256SUMS", "file:http://example.org/SHA256SUMS"},
		{"file:./sums", "file:./sums"},
	};
	static const char *const wrong[] = {"", "0000", "sha256:" MD5, "sha3:" SHA256, "none:" MD5,
		"win_iso.sha256", "file:", SHA256 "0", "md5:g41d8cd98f00b204e9800998ecf8427e"};
	char text[CHECKSUM_TEXT_SIZE];
	struct checksum checksum;
	struct error err;

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		int result = checksum_parse(forms[i].text, "iso_checksum", &checksum, &err);
		CHECK(result == 0, "'%.40s' is a checksum", forms[i].text);
		CHECK_TEXT(checksum_text(&checksum, text), forms[i].reads, "and reads so");
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		err.text[0] = '\0';
		CHECK(checksum_parse(wrong[i], "iso_checksum", &checksum, &err) < 0,
			"'%.40s' is none", wrong[i]);
		CHECK(text_starts_with(err.text, "iso_checksum: '"), "which is said of the option");
	}
}

static void test_sums(void)
{
	static const char url[] = "http://example.org/a/b/my%20disk.iso?x=y";
	static const char sums_url[] = "http://example.org/a/SHA256SUMS";
	static const struct {
		const char *sums, *found, *what;
	} files[] = {
		{SHA256 "  my disk.iso\n", SHA256, "as sha256sum writes it"},
		{SHA256 " *my disk.iso\n", SHA256, "in binary mode"},
		{SHA256 " ?my disk.iso\n", SHA256, "as shasum --portable writes it"},
		{SHA256 "  ./my disk.iso", SHA256, "behind ./, without a line end"},
		{SHA256 "  b/my disk.iso\r\n", SHA256, "seen from the sums, with CR LF"},
		{SHA256 "  ./b/my disk.iso\n", SHA256, "both"},
		{SHA256 "  c/my disk.iso\n", NULL, "in another folder"},
		{SHA256 "  xmy disk.iso\n", NULL, "another name"},
		{OTHER "  other.iso\n" SHA256 "  my disk.iso\n", SHA256, "in the second line"},
		{"SHA256 (my disk.iso) = " SHA256 "\n", SHA256, "as BSD writes it"},
		{"SHA256 (my (1) disk.iso) = " SHA256 "\n", NULL, "as BSD writes another name"},
		{"MD5 (my disk.iso) = " SHA256 "\n", NULL, "with digits for another kind"},
		{"Hash: SHA256\n\n# a comment\n" SHA256 "  my disk.iso\n", SHA256,
			"in a signed file"},
		{SHA256 "\n", SHA256, "without a name"},
		{"", NULL, "in an empty file"},
		{"<html>" SHA256 "</html>\n", NULL, "in something else"},
	};
	char text[CHECKSUM_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct checksum found = {0};
		bool is = checksum_find(files[i].sums, sums_url, url, &found);
		CHECK_TEXT(is ? checksum_text(&found, text) + strlen("sha256:") : NULL,
			files[i].found, "%s", files[i].what);
	}
	struct checksum found;
	CHECK(checksum_find(MD5 "  /srv/iso/x.iso\n", "/srv/sums", "/srv/iso/x.iso", &found) &&
			found.kind == DIGEST_MD5,
		"an absolute path");
}

int main(void)
{
	test_forms();
	test_sums();
	return check_done();
}
