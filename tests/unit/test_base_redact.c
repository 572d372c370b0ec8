/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact.h"

#include "base/cleanup.h"
#include "tests/unit/check.h"

static const char *apply(const struct redactor *redactor, const char *text)
{
	static struct text out;

	text_reset(&out);
	redactor_apply(redactor, text, strlen(text), &out);
	return text_get(&out);
}

static void shows_others(void)
{
	struct redactor redactor = {0};

	CHECK_TEXT(apply(&redactor, "as it is"), "as it is", "nothing is hidden");
	CHECK_NUMBER(redactor_longest(&redactor), 0, "the longest of none");
	redactor_add(&redactor, "pass", "<a>");
	redactor_add(&redactor, "", "<never>");
	redactor_add(&redactor, "password", "<b>");
	redactor_add(&redactor, "word", "<c>");
	CHECK_TEXT(apply(&redactor, "password pass word passwor pas"), "<b> <a> <c> <a>wor pas",
		"the longest value that fits is taken");
	CHECK_NUMBER(redactor_longest(&redactor), 8, "so many bytes may belong together");
	redactor_add(&redactor, "<a>", "<d>");
	CHECK_TEXT(apply(&redactor, "pass"), "<a>", "what is shown is not looked at again");
	CHECK(redactor_finds(&redactor, "a password") && !redactor_finds(&redactor, "a pas"),
		"whether one stands in a text");
	CLEANUP(text_clear) struct text out = {0};
	redactor_apply(&redactor, "\0pass\0", 6, &out);
	CHECK(out.size == 5 && memcmp(out.data, "\0<a>\0", 5) == 0, "NUL bytes are bytes");
	redactor_clear(&redactor);
	CHECK_TEXT(apply(&redactor, "pass"), "pass", "cleared, it hides nothing");
}

#define SECRET "it's a \"S3cr\303\251t\"/+?&"

/* The secret in other clothes. The base64 forms were made with base64(1). */
static const struct {
	const char *form, *text;
} forms[] = {
	{"as it is", SECRET},
	{"as JSON", "it's a \\\"S3cr\303\251t\\\"/+?&"},
	{"in single quotes of a shell", "it'\"'\"'s a \"S3cr\303\251t\"/+?&"},
	{"as bash shows it", "it'\\''s a \"S3cr\303\251t\"/+?&"},
	{"in a URL", "it%27s%20a%20%22S3cr%C3%A9t%22%2F%2B%3F%26"},
	{"in a URL, lower case", "it%27s%20a%20%22S3cr%c3%a9t%22%2f%2b%3f%26"},
	{"in a form", "it%27s+a+%22S3cr%C3%A9t%22%2F%2B%3F%26"},
};

static void hides_forms(void)
{
	struct redactor redactor = {0};

	redactor_add_secret(&redactor, SECRET, "***");
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		CLEANUP(text_clear) struct text line = {0};
		text_addf(&line, "x=%s;", forms[i].text);
		CHECK_TEXT(
			apply(&redactor, text_get(&line)), "x=***;", "a secret %s", forms[i].form);
	}
	CHECK_TEXT(apply(&redactor, "it's another"), "it's another", "what is no secret stays");
	redactor_clear(&redactor);
}

/* BYTES in base64, by another way than the code's. */
static void write_base64(const char *bytes, size_t size, bool url, struct text *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	unsigned held = 0, bits = 0;

	for (size_t i = 0; i < size || bits; i += i < size) {
		if (i < size) {
			held = held << 8 | (unsigned char)bytes[i];
			bits += 8;
		} else if (bits < 6) {
			held <<= 6 - bits;
			bits = 6;
		}
		for (; bits >= 6; bits -= 6) {
			unsigned digit = held >> (bits - 6) & 63;
			text_add_char(out, digit < 62    ? digits[digit]
					   : digit == 62 ? (url ? '-' : '+')
							 : (url ? '_' : '/'));
		}
	}
}

static void hides_base64(void)
{
	static const char secret[] = "hunter2~~?>?>>secret";
	struct redactor redactor = {0};

	redactor_add_secret(&redactor, secret, "***");
	for (int i = 0; i < 12; i++) {
		CLEANUP(text_clear) struct text plain = {0}, coded = {0};
		bool url = i >= 6;
		text_addf(&plain, "%.*s%s%s", i % 6, "user:abc", secret, i % 2 ? "@host" : "");
		write_base64(plain.data, plain.size, url, &coded);
		const char *shown = apply(&redactor, text_get(&coded));
		const char *mask = strstr(shown, "***");
		/* a digit on either side may hold bits of a neighbour */
		CHECK(mask && strlen(shown) <= coded.size - strlen(secret) * 8 / 6 + 5,
			"%d bytes before it, %sthe secret is not seen in base64%s", i % 6,
			i % 2 ? "some behind, " : "", url ? " for URLs" : "");
	}
	redactor_clear(&redactor);
}

static void hides_lines(void)
{
	struct redactor redactor = {0};

	redactor_add_secret(&redactor, "-----BEGIN\nMIIE\nab\nQQQQQ", "***");
	CHECK_TEXT(apply(&redactor, "MIIE"), "***", "each line of a secret is one");
	CHECK_TEXT(apply(&redactor, "x -----BEGIN y"), "x *** y", "wherever it stands");
	CHECK_TEXT(apply(&redactor, "ab"), "ab", "but short ones are left alone");
	CHECK_TEXT(apply(&redactor, "-----BEGIN\\nMIIE\\nab\\nQQQQQ"), "***", "all of it as JSON");
	redactor_add_secret(&redactor, "abc", "***");
	CHECK_TEXT(apply(&redactor, "abc"), "abc", "a secret of three bytes would blank too much");
	redactor_clear(&redactor);
}

int main(void)
{
	shows_others();
	hides_forms();
	hides_base64();
	hides_lines();
	return check_done();
}
