/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/template/private_key.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/text.h"

/* Base64 of what every OpenSSH key begins with, and of the cipher "none" that follows where there is no passphrase. */
static int check_openssh(const char *body, struct error *err)
{
	static const char magic[] = "b3BlbnNzaC1rZXktdjEA", no_cipher[] = "AAAABG5vbmUA";

	body += strspn(body, " \t\r\n");
	if (!text_starts_with(body, magic))
		return fail(err, ERROR_CATALOG, "is no private key: its OpenSSH form is damaged");
	if (!text_starts_with(body + sizeof(magic) - 1, no_cipher))
		return fail(err, ERROR_CATALOG, "has a passphrase, which nobody can be asked for");
	return 0;
}

/* The other forms: base64 of a DER sequence. */
static int check_der(const char *body, size_t size, struct error *err)
{
	size_t i = 0;

	while (i < size && strchr(" \t\r\n", body[i]))
		i++;
	bool sequence = i < size && body[i] == 'M';
	for (; sequence && i < size; i++)
		sequence = isalnum((unsigned char)body[i]) || strchr("+/= \t\r\n", body[i]);
	return sequence ? 0 : fail(err, ERROR_CATALOG, "is no private key: it is damaged");
}

int private_key_check(const char *bytes, size_t size, struct error *err)
{
	static const char *const kinds[] = {"RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY",
		"DSA PRIVATE KEY", "OPENSSH PRIVATE KEY"};
	static const char begin[] = "-----BEGIN ", dashes[] = "-----";
	const char *end = bytes + size;
	const char *at = memmem(bytes, size, begin, sizeof(begin) - 1);

	if (!at)
		return fail(err, ERROR_CATALOG, "is no private key: -----BEGIN is not in it");
	at += sizeof(begin) - 1;
	const char *close = memmem(at, end - at, dashes, sizeof(dashes) - 1);
	const char *last = close ? memmem(close, end - close, "-----END ", 9) : NULL;
	size_t i = 0;
	while (close && i < sizeof(kinds) / sizeof(*kinds) &&
		(strlen(kinds[i]) != (size_t)(close - at) || memcmp(kinds[i], at, close - at) != 0))
		i++;
	if (!last || i == sizeof(kinds) / sizeof(*kinds))
		return fail(err, ERROR_CATALOG, "is no private key of a kind that ssh knows");
	const char *body = close + sizeof(dashes) - 1;
	if (memmem(body, last - body, "ENCRYPTED", 9))
		return fail(err, ERROR_CATALOG, "has a passphrase, which nobody can be asked for");
	return i == 4 ? check_openssh(body, err) : check_der(body, last - body, err);
}
