/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/failure.h"

#include <ctype.h>
#include <git2.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "reconciler/git/fetch/stream.h"

/* libgit2 gives no codes for these, its texts are all there is. `text` takes the place of libgit2's own; NULL: that stays. */
static const struct {
	const char *piece; /* of libgit2 1.5's text, of a server's, or of the C library's */
	enum error_kind kind;
	const char *text;
} failures[] = {
	{"No space left on device", ERROR_RESOURCE, NULL},
	{"Disk quota exceeded", ERROR_RESOURCE, NULL},
	{"out of memory", ERROR_RESOURCE, NULL},
	{"Out of memory", ERROR_RESOURCE, NULL},
	{"Cannot allocate memory", ERROR_RESOURCE, NULL},
	{"too many objects", ERROR_RESOURCE, NULL},

	{"status code: 404", ERROR_CATALOG,
		"there is no repository at this url, or it is shown only with credentials (status "
		"404)"},
	{"status code: 410", ERROR_CATALOG, "the repository is gone (status 410)"},
	{"status code: 403", ERROR_CATALOG, "access is refused (status 403)"},
	{"status code: 400", ERROR_CATALOG, "the server refuses the request (status 400)"},
	{"status code: 495", ERROR_CATALOG,
		"the server refuses the client certificate (status 495)"},
	{"status code: 496", ERROR_CATALOG, "the server wants a client certificate (status 496)"},
	{"status code: 429", ERROR_TRANSIENT, "the server has had too many requests (status 429)"},
	{"invalid content-type", ERROR_CATALOG, NULL},
	{"no content-type", ERROR_CATALOG, NULL},
	{"cannot redirect from", ERROR_CATALOG, NULL},
	{"unexpected redirect", ERROR_CATALOG, NULL},
	{"too many redirects", ERROR_CATALOG, NULL},
	{"server requires authentication that we do not support", ERROR_CATALOG, NULL},
	{"could not find appropriate mechanism for credentials", ERROR_CATALOG,
		"the server takes neither a password nor a token"},

	/* what git, git-daemon, gitolite, GitHub, GitLab and Gitea say of a repository that is not there or not shown */
	{"does not appear to be a git repository", ERROR_CATALOG, NULL},
	{"access denied", ERROR_CATALOG, NULL},
	{"not exported", ERROR_CATALOG, NULL},
	{"DENIED", ERROR_CATALOG, NULL},
	{"ot found", ERROR_CATALOG, NULL},
	{"o such repository", ERROR_CATALOG, NULL},
	{"could not be found", ERROR_CATALOG, NULL},
	{"dubious ownership", ERROR_CATALOG, NULL},

	{"Unable to exchange encryption keys", ERROR_CATALOG,
		"no common algorithms with the ssh server. libssh2 1.10 takes ed25519 and ECDSA "
		"host "
		"keys, and RSA ones only with SHA-1, which OpenSSH 8.8 and later do not offer: put "
		"the host's ed25519 or ECDSA key into known_hosts_file"},
	{"Unable to extract public key", ERROR_CATALOG,
		"ssh_key_file cannot be read: the passphrase is wrong, or it is no private key"},
	{"Unable to open private key file", ERROR_CATALOG, "ssh_key_file cannot be opened"},
	{"Unable to read private key", ERROR_CATALOG,
		"ssh_key_file cannot be read: the passphrase is wrong, or it is no private key"},
	{"no auth sock variable", ERROR_CATALOG, "SSH_AUTH_SOCK names no ssh agent"},
	{"unable to connect to agent", ERROR_CATALOG, "there is no ssh agent at SSH_AUTH_SOCK"},
	{"failed connecting with agent", ERROR_CATALOG, "there is no ssh agent at SSH_AUTH_SOCK"},
};

/* What a server said goes into one line of plain text: its colours and its line breaks stay out. */
static void add_plain(struct text *out, const char *text)
{
	bool gap = false;

	for (; *text; text++) {
		if ((unsigned char)*text <= ' ' || *text == 0x7f) {
			gap = out->size > 0;
			continue;
		}
		if (gap)
			text_add_char(out, ' ');
		gap = false;
		text_add_char(out, *text);
	}
}

static int fail_as(struct error *err, const char *shown, enum error_kind kind)
{
	const git_error *error = git_error_last();
	const char *said = error && error->message ? error->message : "libgit2 does not say why";
	CLEANUP(text_clear) struct text plain = {0};

	if (stream_explains(said, err))
		return fail_while(err, "%s", shown);
	add_plain(&plain, said);
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++)
		if (strstr(text_get(&plain), failures[i].piece))
			return fail(err, failures[i].kind, "%s: %s", shown,
				failures[i].text ? failures[i].text : text_get(&plain));
	return fail(err, kind, "%s: %s", shown, text_get(&plain));
}

int fail_git(struct error *err, const char *shown)
{
	return fail_as(err, shown, ERROR_TRANSIENT);
}

int fail_git_local(struct error *err, const char *shown)
{
	return fail_as(err, shown, ERROR_BROKEN);
}
