/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/fetch/session.h"

#include <fcntl.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "reconciler/git/fetch/answer.h"
#include "reconciler/git/fetch/failure.h"
#include "reconciler/git/fetch/stream.h"

/* A pack's header says how many objects it has, and libgit2 makes room for them. */
enum { OBJECTS_MOST = 50 * 1000 * 1000 };

struct session {
	struct login *login;
	git_remote *remote;
	const git_remote_head **heads;
	size_t head_count;
};

int session_start(struct error *err)
{
	if (source_start(err) < 0)
		return -1;
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1);
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, (size_t)OBJECTS_MOST);
	git_libgit2_opts(GIT_OPT_SET_USER_AGENT, "kiln " KILN_VERSION);
	return 0;
}

/* ---- while it goes on ---- */

static int count_bytes(const git_indexer_progress *progress, void *payload)
{
	struct login *login = payload;

	if ((int64_t)progress->received_bytes <= login->order->most_bytes)
		return 0;
	error_set(&login->failure, ERROR_RESOURCE, "%s: sends more than %lld bytes (most_bytes)",
		login->order->url.shown, (long long)login->order->most_bytes);
	return GIT_EUSER;
}

/* A callback's own reason comes before libgit2's, which only knows that one said no. */
static int fail_session(const struct login *login, struct error *err)
{
	if (login->failure.kind == ERROR_NONE)
		return fail_git(err, login->order->url.shown);
	*err = login->failure;
	return -1;
}

/* What is secret stays where the url says; else a server may send us on at the first request, as git lets it. */
static git_remote_connect_options options_for(struct login *login)
{
	git_remote_connect_options options = GIT_REMOTE_CONNECT_OPTIONS_INIT;

	login_answer(login, &options.callbacks);
	options.callbacks.transfer_progress = count_bytes;
	options.proxy_opts.type = GIT_PROXY_NONE;
	options.follow_redirects =
		login_has_secrets(login) ? GIT_REMOTE_REDIRECT_NONE : GIT_REMOTE_REDIRECT_INITIAL;
	return options;
}

static int fail_shallow(const struct login *login, const char *unless, struct error *err)
{
	return fail(err, ERROR_CATALOG,
		"%s: is a shallow clone, which lacks older commits and cannot be mirrored: run git "
		"fetch --unshallow there%s",
		login->order->url.shown, unless);
}

static int connect_once(struct session *session, struct error *err)
{
	git_remote_connect_options options = options_for(session->login);

	session->login->tried = 0;
	session->login->failure.kind = ERROR_NONE;
	git_error_clear();
	if (git_remote_connect_ext(session->remote, GIT_DIRECTION_FETCH, &options) == 0)
		return 0;
	const git_error *error = git_error_last();
	/* behind its refs a server says "shallow COMMIT", where libgit2 1.5 reads nothing but refs */
	if (error && strstr(error->message, "error parsing REF pkt-line"))
		return fail_shallow(session->login, " (or the server is no git server)", err);
	return fail_session(session->login, err);
}

/* ---- ssh ---- */

/*
 * libgit2 asks the host for a key of the type that $HOME/.ssh/known_hosts has first, and libssh2 cannot read every line
 * that such a file may have: it is given a file of the one line that is to be asked for.
 */
static int prefer_type(
	const struct login *login, const char *folder, const char *type, struct error *err)
{
	const struct remote_url *url = &login->order->url;
	autofree char *line = known_hosts_line(&login->hosts, url->host, url->port, type);
	autofree char *ssh = memory_printf("%s/.ssh", folder);
	autofree char *file = memory_printf("%s/known_hosts", ssh);
	autoclose int fd = folder_make(AT_FDCWD, ssh, 0700, err);

	if (fd < 0 || file_replace(AT_FDCWD, file, 0600, line, strlen(line), err) < 0)
		return -1;
	setenv("HOME", folder, 1);
	return 0;
}

/* A host may have fewer keys than the file has for it: the next type is asked for where this one is not to be had. */
static int connect_ssh(struct session *session, const char *folder, struct error *err)
{
	static const char *const usable[] = {"ssh-ed25519", "ecdsa-sha2-nistp256",
		"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"};
	const struct remote_url *url = &session->login->order->url;
	CLEANUP(strings_clear) struct strings types = {0};
	bool tried = false;
	int result = -1;

	known_hosts_types(&session->login->hosts, url->host, url->port, &types);
	for (size_t i = 0; i < sizeof(usable) / sizeof(*usable) && result < 0; i++) {
		if (!strings_has(&types, usable[i]))
			continue;
		if (prefer_type(session->login, folder, usable[i], err) < 0)
			return -1;
		tried = true;
		result = connect_once(session, err);
		const git_error *error = git_error_last();
		if (result < 0 && !(error && strstr(error->message, "encryption keys")))
			break;
	}
	if (tried)
		return result;
	/* what the host has is said, with its fingerprint: there is nothing to compare it with */
	setenv("HOME", folder, 1);
	return connect_once(session, err);
}

/* ---- the conversation ---- */

static int connect_session(struct session *session, const char *folder, struct error *err)
{
	autofree char *home = memory_printf("%s/kiln-ssh", folder);
	struct error ignored;
	int result;

	if (session->login->order->url.scheme != REMOTE_SSH)
		return connect_once(session, err);
	result = connect_ssh(session, home, err);
	folder_remove(AT_FDCWD, home, &ignored);
	return result;
}

/* A folder of this machine tells it by itself; over the wire libgit2 stumbles over it (above). */
static int refuse_shallow(const struct login *login, struct error *err)
{
	const struct remote_url *url = &login->order->url;
	git_repository *theirs = NULL;
	int shallow = 0;

	if (url->scheme != REMOTE_FILE)
		return 0;
	if (git_repository_open_ext(&theirs, url->path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) < 0) {
		fail_git_local(err, url->shown);
		err->kind = ERROR_CATALOG;
		return -1;
	}
	shallow = git_repository_is_shallow(theirs);
	git_repository_free(theirs);
	return shallow == 1 ? fail_shallow(login, "", err) : 0;
}

int session_open(struct login *login, struct git_repository *into, const char *folder,
	struct session **session, struct error *err)
{
	CLEANUP(session_freep) struct session *made = memory_new(sizeof(*made));

	answer_stage(ANSWER_REMOTE);
	made->login = login;
	if (refuse_shallow(login, err) < 0)
		return -1;
	if (git_remote_create_anonymous(&made->remote, into, login->order->url.call) < 0)
		return fail_git_local(err, login->order->url.shown);
	if (connect_session(made, folder, err) < 0)
		return -1;
	if (git_remote_ls(&made->heads, &made->head_count, made->remote) < 0)
		return fail_session(login, err);
	*session = TAKE(made);
	return 0;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	if (session->remote)
		git_remote_disconnect(session->remote);
	git_remote_free(session->remote);
	free(session);
}

char *session_head(const struct session *session)
{
	git_buf name = {0};
	char *head = NULL;

	if (session->head_count && git_remote_default_branch(&name, session->remote) == 0)
		head = memory_copy_text(name.ptr);
	git_buf_dispose(&name);
	return head;
}

bool session_is_empty(const struct session *session)
{
	return session->head_count == 0;
}

bool session_find(const struct session *session, const char *ref, struct object_id *id)
{
	for (size_t i = 0; i < session->head_count; i++) {
		if (strcmp(session->heads[i]->name, ref) != 0)
			continue;
		memcpy(id->bytes, session->heads[i]->oid.id, sizeof(id->bytes));
		return true;
	}
	return false;
}

int session_download(struct session *session, const struct strings *refs, struct error *err)
{
	CLEANUP(strings_clear) struct strings specs = {0};
	git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
	git_remote_connect_options connection = options_for(session->login);
	struct object_id id;

	strings_each (ref, refs)
		if (session_find(session, ref, &id))
			strings_addf(&specs, "+%s:%s", ref, ref);
	if (!specs.count)
		return 0;
	answer_stage(ANSWER_TRANSFER);
	options.callbacks = connection.callbacks;
	options.follow_redirects = connection.follow_redirects;
	options.proxy_opts = connection.proxy_opts;
	options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	options.update_fetchhead = 0;
	git_strarray list = {specs.items, specs.count};
	session->login->failure.kind = ERROR_NONE;
	session->login->tried = 0;
	git_error_clear();
	if (git_remote_download(session->remote, &list, &options) < 0)
		return fail_session(session->login, err);
	return 0;
}
