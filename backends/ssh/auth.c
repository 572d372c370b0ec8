/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/ssh/link.h"

#include <stdlib.h>
#include <string.h>

#include <libssh2.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/ssh_key.h"

/* 1: logged in; 0: refused; -1: ERR. */
static int judge(struct link *link, long code, struct error *err)
{
	if (code == 0)
		return 1;
	if (code == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
		code == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
		return 0;
	return link_failed(link, code, "the login", err);
}

/* ---- the ways in ---- */

static int try_key(struct link *link, const char *key, struct strings *tried, struct error *err)
{
	const char *user = link->host->identity.username;
	struct ssh_key_about about = {0};

	ssh_key_describe(key, strlen(key), &about);
	strings_addf(tried, "key (%s)", about.type);
	long code = LINK_TRY(link, err,
		libssh2_userauth_publickey_frommemory(
			link->session, user, strlen(user), NULL, 0, key, strlen(key), NULL));
	if (code == LIBSSH2_ERROR_FILE)
		return fail(err, ERROR_CATALOG, "libssh2 cannot use the key (%s): %s", about.type,
			link_last_error(link));
	int result = judge(link, code, err);
	link->rsa_refused |= result == 0 && about.is_rsa;
	return result;
}

static int try_keys(struct link *link, bool rsa, struct strings *tried, struct error *err)
{
	strings_each (key, &link->host->identity.private_keys) {
		struct ssh_key_about about = {0};
		ssh_key_describe(key, strlen(key), &about);
		if (about.is_rsa != rsa)
			continue;
		int result = try_key(link, key, tried, err);
		if (result)
			return result;
	}
	return 0;
}

static int try_password(struct link *link, struct strings *tried, struct error *err)
{
	const struct ssh_identity *identity = &link->host->identity;

	strings_add(tried, "password");
	long code = LINK_TRY(link, err,
		libssh2_userauth_password_ex(link->session, identity->username,
			strlen(identity->username), identity->password, strlen(identity->password),
			NULL));
	return judge(link, code, err);
}

/* libssh2 frees the answers. */
static void answer_prompts(const char *name, int name_size, const char *instruction,
	int instruction_size, int count, const LIBSSH2_USERAUTH_KBDINT_PROMPT *prompts,
	LIBSSH2_USERAUTH_KBDINT_RESPONSE *responses, void **abstract)
{
	const struct link *link = *abstract;

	(void)name, (void)name_size, (void)instruction, (void)instruction_size, (void)prompts;
	for (int i = 0; i < count; i++) {
		responses[i].text = memory_copy_text(link->host->identity.password);
		responses[i].length = strlen(responses[i].text);
	}
}

static int try_interactive(struct link *link, struct strings *tried, struct error *err)
{
	const char *user = link->host->identity.username;

	strings_add(tried, "keyboard-interactive");
	long code = LINK_TRY(link, err,
		libssh2_userauth_keyboard_interactive_ex(
			link->session, user, strlen(user), answer_prompts));
	return judge(link, code, err);
}

/* ---- the order: RSA keys behind the others, then the password ---- */

static bool is_offered(const char *methods, const char *method)
{
	CLEANUP(strings_clear) struct strings list = {0};

	strings_split(&list, methods, ',');
	return strings_has(&list, method);
}

static int try_public_keys(struct link *link, struct strings *tried, struct error *err)
{
	bool agent = link->host->identity.agent;
	int result = 0;

	for (int rsa = 0; rsa < 2 && result == 0; rsa++) {
		if (agent)
			result = agent_login(link, rsa, tried, err);
		if (result == 0)
			result = try_keys(link, rsa, tried, err);
	}
	return result;
}

static int try_all(struct link *link, const char *methods, struct strings *tried, struct error *err)
{
	const struct ssh_identity *identity = &link->host->identity;
	int result = 0;

	if (is_offered(methods, "publickey"))
		result = try_public_keys(link, tried, err);
	if (result == 0 && identity->password && is_offered(methods, "password"))
		result = try_password(link, tried, err);
	if (result == 0 && identity->password && !identity->no_interactive &&
		is_offered(methods, "keyboard-interactive"))
		result = try_interactive(link, tried, err);
	return result;
}

static int refuse(
	struct link *link, const char *methods, const struct strings *tried, struct error *err)
{
	autofree char *list = strings_join(tried, ", ");

	return fail(err, ERROR_CATALOG, "%s refuses the login of %s (it accepts %s; tried: %s)%s",
		link->name, link->host->identity.username, methods, *list ? list : "nothing",
		link->rsa_refused ? ": an RSA key can only be used with SHA-1 here (libssh2 1.10), "
				    "which OpenSSH "
				    "refuses since 8.8: give an ed25519 or ecdsa key"
				  : "");
}

int link_login(struct link *link, struct error *err)
{
	CLEANUP(strings_clear) struct strings tried = {0};
	const char *user = link->host->identity.username;
	int code = 0;

	char *offered = LINK_TRY_POINTER(
		link, err, &code, libssh2_userauth_list(link->session, user, strlen(user)));
	if (!offered && libssh2_userauth_authenticated(link->session))
		return 0;
	if (!offered)
		return link_failed(link, code, "the login", err);
	/* the text is libssh2's, and each attempt overwrites it */
	autofree char *methods = memory_copy_text(offered);
	int result = try_all(link, methods, &tried, err);
	/* who has heard enough wrong keys hangs up */
	if (result == 0 || (result < 0 && link->dead && tried.count))
		return refuse(link, methods, &tried, err);
	return result < 0 ? -1 : 0;
}
