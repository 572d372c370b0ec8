/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/login.h"

#include <fcntl.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/tls.h"

enum { SECRET_SIZE_MOST = 64 * 1024, KEY_SIZE_MOST = 1024 * 1024 };

/* ---- the files ---- */

/* One line break at the end is the editor's, not the secret's. */
static int read_secret(
	struct login *login, const char *key, const char *path, char **secret, struct error *err)
{
	size_t size;

	if (!path)
		return 0;
	if (file_read(AT_FDCWD, path, SECRET_SIZE_MOST, secret, &size, err) < 0)
		return fail_while(err, "credentials.%s", key);
	if (size && (*secret)[size - 1] == '\n')
		(*secret)[--size] = '\0';
	if (size && (*secret)[size - 1] == '\r')
		(*secret)[--size] = '\0';
	if (!size || strlen(*secret) != size || strpbrk(*secret, "\r\n"))
		return fail(err, ERROR_CATALOG, "credentials.%s: %s must have one line", key, path);
	redactor_add_secret(&login->secrets, *secret, "***");
	return 0;
}

/*
 * "x-access-token" is what GitHub documents for tokens of apps; with a token as the password GitHub, GitLab and Gitea take
 * any name that is not empty.
 */
static const char *usual_user(const struct fetch_order *order)
{
	return order->url.scheme == REMOTE_SSH ? "git" : "x-access-token";
}

int login_init(struct login *login, const struct fetch_order *order, struct error *err)
{
	const struct service_credentials *given = order->credentials;
	const char *user = given && given->username ? given->username : order->url.user;

	*login = (struct login){.order = order};
	/* the name in an ssh url is what libgit2 sends */
	if (order->url.scheme == REMOTE_SSH && order->url.user)
		user = order->url.user;
	login->user = memory_copy_text(user ? user : usual_user(order));
	if (!given)
		return 0;
	if (read_secret(login, "password_file", given->password_file, &login->secret, err) < 0 ||
		read_secret(login, "token_file", given->token_file, &login->secret, err) < 0 ||
		read_secret(login, "passphrase_file", given->passphrase_file, &login->passphrase,
			err) < 0)
		return -1;
	if (given->known_hosts_file &&
		known_hosts_read(given->known_hosts_file, &login->hosts, err) < 0)
		return -1;
	return 0;
}

void login_clear(struct login *login)
{
	free(login->user);
	free(login->secret);
	free(login->passphrase);
	known_hosts_clear(&login->hosts);
	redactor_clear(&login->secrets);
	*login = (struct login){0};
}

bool login_has_secrets(const struct login *login)
{
	return login->secret ||
	       (login->order->credentials && login->order->credentials->certificate_file);
}

/* ---- why a key may be refused ---- */

/* An OpenSSH key has its public part in front, in the clear: "ssh-rsa" stands there in the first bytes. */
static bool is_openssh_rsa(const char *text)
{
	static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	char letters[512];
	size_t count = 0, size;

	if (!text_starts_with(text, begin))
		return false;
	for (text += strlen(begin); *text && *text != '-' && count < sizeof(letters); text++)
		if (*text != '\n' && *text != '\r')
			letters[count++] = *text;
	count -= count % 4;
	autofree unsigned char *bytes = base64_decode(letters, count, &size);
	return bytes && memmem(bytes, size, "\0\0\0\7ssh-rsa", 11);
}

static bool is_rsa_key(const struct login *login)
{
	const char *path = login->order->credentials->ssh_key_file;
	autofree char *text = NULL;
	struct error ignored;

	if (!path || file_read(AT_FDCWD, path, KEY_SIZE_MOST, &text, NULL, &ignored) < 0)
		return false;
	if (is_openssh_rsa(text))
		return true;
	return tls_is_rsa_key(text, login->passphrase);
}

/* ---- answers ---- */

#define refuse(login, ...) (error_set(&(login)->failure, ERROR_CATALOG, __VA_ARGS__), GIT_EUSER)

static int refuse_ssh(struct login *login)
{
	const char *shown = login->order->url.shown;

	if (is_rsa_key(login))
		return refuse(login,
			"%s: the RSA key of %s is refused for user %s: libssh2 1.10 signs with "
			"SHA-1 alone, which OpenSSH 8.8 and later do not take. Use an ed25519 or "
			"ECDSA key",
			shown, login->order->credentials->ssh_key_file, login->user);
	if (login->order->credentials->ssh_agent)
		return refuse(login,
			"%s: no key of the ssh agent%s is accepted for user %s (RSA keys are "
			"signed with SHA-1 alone, which OpenSSH 8.8 and later do not take)",
			shown, login->order->credentials->ssh_key_file ? " or ssh_key_file" : "",
			login->user);
	return refuse(login, "%s: the key of %s is not accepted for user %s", shown,
		login->order->credentials->ssh_key_file, login->user);
}

static int answer_ssh(struct login *login, git_credential **out, unsigned allowed)
{
	const struct service_credentials *given = login->order->credentials;
	unsigned turn = login->tried++;

	if (!(allowed & GIT_CREDENTIAL_SSH_KEY))
		return refuse(login, "%s: the server takes no keys", login->order->url.shown);
	if (given->ssh_key_file && turn == 0)
		return git_credential_ssh_key_new(
			out, login->user, NULL, given->ssh_key_file, login->passphrase);
	if (given->ssh_agent && turn == (given->ssh_key_file ? 1 : 0))
		return git_credential_ssh_key_from_agent(out, login->user);
	return refuse_ssh(login);
}

static int answer_https(struct login *login, git_credential **out, unsigned allowed)
{
	const char *shown = login->order->url.shown;

	if (!login->secret)
		return refuse(login,
			"%s: the server wants credentials, and none are given (or there is no such "
			"repository)",
			shown);
	if (login->tried++)
		return refuse(login, "%s: the server refuses the %s of user %s", shown,
			login->order->credentials->token_file ? "token" : "password", login->user);
	if (!(allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT))
		return refuse(login, "%s: the server takes neither a password nor a token", shown);
	return git_credential_userpass_plaintext_new(out, login->user, login->secret);
}

static int answer(
	git_credential **out, const char *url, const char *user, unsigned allowed, void *payload)
{
	struct login *login = payload;

	(void)url, (void)user;
	if (allowed & GIT_CREDENTIAL_USERNAME)
		return git_credential_username_new(out, login->user);
	if (login->order->url.scheme == REMOTE_SSH)
		return answer_ssh(login, out, allowed);
	return answer_https(login, out, allowed);
}

/* A server's certificate was verified in the handshake (base/tls.h); a host key is looked at here. */
static int check(git_cert *certificate, int valid, const char *host, void *payload)
{
	struct login *login = payload;
	const git_cert_hostkey *key = (const git_cert_hostkey *)certificate;
	const struct remote_url *url = &login->order->url;

	(void)host;
	if (certificate->cert_type == GIT_CERT_X509)
		return valid ? 0 : GIT_ECERTIFICATE;
	if (certificate->cert_type != GIT_CERT_HOSTKEY_LIBSSH2 || !(key->type & GIT_CERT_SSH_RAW))
		return refuse(login, "%s: the host shows no key", url->shown);
	if (known_hosts_check(&login->hosts, url->host, url->port,
		    (const unsigned char *)key->hostkey, key->hostkey_len, &login->failure) == 0)
		return 0;
	error_add_context(&login->failure, "%s", url->shown);
	return GIT_EUSER;
}

void login_answer(struct login *login, struct git_remote_callbacks *callbacks)
{
	callbacks->credentials = answer;
	callbacks->certificate_check = check;
	callbacks->payload = login;
}
