/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/git/signature.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/moment.h"
#include "base/process.h"
#include "base/strings.h"

enum { PROGRAM_SEC = 20, SAID_MOST = 64 * 1024, PRINCIPALS_MOST = 16, SHOWN_MOST = 200 };

/* Descriptor 3 of the programs; what they open anew has its own place to read from. */
#define SIGNATURE_PATH "/proc/self/fd/3"

struct check {
	const char *file; /* of the rules */
	int signature, payload;
	int64_t committed_sec;
	struct text said; /* by the last program */
};

/* Why it is not accepted: an answer, not a failure. */
#define refuse(err, ...) (error_set((err), ERROR_CATALOG, __VA_ARGS__), 0)

/* ---- programs ---- */

/* The exit code, or -1. */
static int run(
	struct check *check, const char *const *arguments, const char *package, struct error *err)
{
	const char *path = getenv("PATH"), *zone = getenv("TZ");
	autofree char *path_entry = memory_printf("PATH=%s", path ? path : "/usr/bin:/bin");
	/* times in an allowed_signers file are the machine's */
	autofree char *zone_entry = zone ? memory_printf("TZ=%s", zone) : NULL;
	const char *const environment[] = {path_entry, "LC_ALL=C", zone_entry, NULL};
	struct process_options options = PROCESS_OPTIONS;

	options.arguments = arguments;
	options.environment = environment;
	options.folder = "/";
	options.input = check->payload;
	options.extra = check->signature;
	text_reset(&check->said);
	if (lseek(check->payload, 0, SEEK_SET) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot read what is signed again");
	int code = process_run(&options, PROGRAM_SEC, SAID_MOST, &check->said, err);
	if (code < 0)
		return fail_while(
			err, "checking signatures needs %s (package %s)", arguments[0], package);
	if (code > 128 && code <= 128 + SIGRTMAX) /* 255 is ssh-keygen's word for no */
		return fail(err, ERROR_TRANSIENT, "%s was killed by signal %d", arguments[0],
			code - 128);
	return code;
}

/* SIZE bytes that came from strangers, for a message; the caller frees. */
static char *show(const char *bytes, size_t size)
{
	struct text shown = {0};

	text_add_c_escaped(&shown, bytes, size < SHOWN_MOST ? size : SHOWN_MOST, NULL);
	return text_take(&shown);
}

/* The first line that the last program said. */
static char *first_words(const struct check *check)
{
	const char *text = text_get(&check->said);

	return show(text, strcspn(text, "\r\n"));
}

/* ---- SSH ---- */

/* Of whom the key is, at the commit's time. */
static int find_principals(
	struct check *check, const char *when, struct strings *principals, struct error *err)
{
	const char *const arguments[] = {"ssh-keygen", "-Y", "find-principals", "-f", check->file,
		"-s", SIGNATURE_PATH, when, NULL};
	int code = run(check, arguments, "openssh-client", err);

	if (code == 0)
		strings_split(principals, text_get(&check->said), '\n');
	return code < 0 ? -1 : 0;
}

/* Nobody's: does it fit at all, and what key is it then? KNOWN: somebody has the key, but not for this. */
static int explain_ssh(struct check *check, bool known, struct error *err)
{
	static const char *const arguments[] = {
		"ssh-keygen", "-Y", "check-novalidate", "-n", "git", "-s", SIGNATURE_PATH, NULL};
	char when[MOMENT_TEXT_SIZE];
	int code = run(check, arguments, "openssh-client", err);

	if (code < 0)
		return -1;
	autofree char *said = first_words(check);
	const char *key = strstr(said, " with ");
	if (code || !key)
		return refuse(err, "its SSH signature does not fit it: %s", said);
	key += strlen(" with ");
	if (known)
		return refuse(err, "it is signed with the %s, which %s does not allow for git", key,
			check->file);
	return refuse(err,
		"it is signed with the %s, which %s does not allow at the commit's time (%s)", key,
		check->file, moment_text(check->committed_sec * 1000000, when));
}

static int check_ssh(struct check *check, char **signer, struct error *err)
{
	CLEANUP(strings_clear) struct strings principals = {0};
	char when[64];
	time_t committed = check->committed_sec;
	struct tm parts;

	if (!gmtime_r(&committed, &parts) ||
		!strftime(when, sizeof(when), "-Overify-time=%Y%m%d%H%M%SZ", &parts))
		return refuse(err, "its committer's time is none");
	if (find_principals(check, when, &principals, err) < 0)
		return -1;
	size_t tried = 0;
	strings_each (principal, &principals) {
		if (!*principal || tried++ >= PRINCIPALS_MOST)
			continue;
		const char *const arguments[] = {"ssh-keygen", "-Y", "verify", "-n", "git", "-f",
			check->file, "-I", principal, "-s", SIGNATURE_PATH, when, NULL};
		int code = run(check, arguments, "openssh-client", err);
		if (code < 0)
			return -1;
		if (code == 0) {
			*signer = show(principal, strlen(principal));
			return 1;
		}
	}
	return explain_ssh(check, tried > 0, err);
}

/* ---- OpenPGP ---- */

/* What gpgv says of one signature; exactly one of these for each. Source: GnuPG doc/DETAILS. */
static const struct verdict {
	const char *word, *problem; /* NULL: none */
} verdicts[] = {
	{"GOODSIG", NULL},
	{"EXPSIG", "its OpenPGP signature has expired: it is of"},
	{"EXPKEYSIG", "it is signed with a key that has expired:"},
	{"REVKEYSIG", "it is signed with a key that was revoked:"},
	{"BADSIG", "its OpenPGP signature does not fit it: it claims to be of"},
	{"ERRSIG", "its OpenPGP signature cannot be checked: it is of the key"},
};

/* The rest of a status line that begins with WORD; NULL if it does not. */
static const char *status_is(const char *line, const char *word)
{
	size_t size = strlen(word);

	return strncmp(line, word, size) == 0 && line[size] == ' ' ? line + size + 1 : NULL;
}

static int read_verdict(struct check *check, int code, char **signer, struct error *err)
{
	static const char prefix[] = "[GNUPG:] ";
	CLEANUP(strings_clear) struct strings lines = {0};
	const struct verdict *verdict = NULL;
	autofree char *who = NULL;
	size_t signatures = 0;
	bool known = true, valid = false;

	strings_split(&lines, text_get(&check->said), '\n');
	strings_each (line, &lines) {
		if (!text_starts_with(line, prefix))
			continue;
		line += sizeof(prefix) - 1;
		valid |= status_is(line, "VALIDSIG") != NULL;
		known &= status_is(line, "NO_PUBKEY") == NULL;
		for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
			const char *of = status_is(line, verdicts[i].word);
			if (!of)
				continue;
			signatures++;
			verdict = &verdicts[i];
			free(who);
			who = show(of, strlen(of));
		}
	}
	if (!signatures)
		return refuse(err, "its OpenPGP signature is none that gpgv can read");
	if (signatures > 1)
		return refuse(err, "it has %zu OpenPGP signatures; there must be one", signatures);
	if (!known)
		return refuse(err,
			"it is signed with the OpenPGP key %.16s, which %s does not have", who,
			check->file);
	if (verdict->problem)
		return refuse(err, "%s %s", verdict->problem, who);
	if (code || !valid)
		return refuse(
			err, "its OpenPGP signature is not accepted (gpgv: exit code %d)", code);
	*signer = TAKE(who);
	return 1;
}

static int check_openpgp(struct check *check, char **signer, struct error *err)
{
	/* no home of its own: there is no other keyring, and no configuration */
	const char *const arguments[] = {"gpgv", "--homedir", "/nonexistent", "--log-file",
		"/dev/null", "--status-fd", "1", "--keyring", check->file, SIGNATURE_PATH, "-",
		NULL};
	static const char armor[] = "-----BEGIN";
	char begin[sizeof(armor) - 1];
	autoclose int keyring = open(check->file, O_RDONLY | O_CLOEXEC);

	if (keyring >= 0 && read(keyring, begin, sizeof(begin)) == sizeof(begin) &&
		memcmp(begin, armor, sizeof(begin)) == 0)
		return fail(err, ERROR_CATALOG,
			"%s is armored, which gpgv cannot read: export the keys without --armor",
			check->file);
	int code = run(check, arguments, "gpgv", err);
	return code < 0 ? -1 : read_verdict(check, code, signer, err);
}

/* ---- the whole ---- */

static const struct format {
	const char *name, *begin, *key; /* key: of the rules */
	size_t file;
	int (*check)(struct check *check, char **signer, struct error *err);
} formats[] = {
	{"SSH", "-----BEGIN SSH SIGNATURE-----", "ssh_allowed_signers_file",
		offsetof(struct signature_rules, ssh_allowed_signers_file), check_ssh},
	{"OpenPGP", "-----BEGIN PGP SIGNATURE-----", "openpgp_keyring_file",
		offsetof(struct signature_rules, openpgp_keyring_file), check_openpgp},
};

static int check_as(const struct format *format, const char *file, const struct text *signature,
	const struct text *payload, int64_t committed_sec, char **signer, struct error *err)
{
	autoclose int first = memfd_create("signature", MFD_CLOEXEC);
	autoclose int second = memfd_create("payload", MFD_CLOEXEC);
	struct check check = {file, first, second, committed_sec, {0}};

	if (first < 0 || second < 0)
		return fail_errno(err, ERROR_RESOURCE, "no memory for a file");
	if (access(file, R_OK) < 0)
		return fail_errno(
			err, ERROR_CATALOG, "%s of repositories[].verify: %s", format->key, file);
	if (file_write_all(first, signature->data, signature->size, err) < 0 ||
		file_write_all(second, payload->data, payload->size, err) < 0)
		return -1;
	int result = format->check(&check, signer, err);
	text_clear(&check.said);
	return result;
}

int signature_check(struct source *source, const struct object_id *commit,
	const struct signature_rules *rules, char **signer, struct error *err)
{
	CLEANUP(text_clear) struct text signature = {0}, payload = {0};
	int64_t committed_sec;
	int is_signed =
		source_read_signature(source, commit, &signature, &payload, &committed_sec, err);

	if (is_signed < 0)
		return err->kind == ERROR_CATALOG ? 0 : -1;
	if (!is_signed)
		return refuse(err, "it is not signed");
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		const struct format *format = &formats[i];
		const char *file = *(char *const *)((const char *)rules + format->file);
		if (!text_starts_with(text_get(&signature), format->begin))
			continue;
		if (!file)
			return refuse(err,
				"it is signed with %s, and repositories[].verify has no %s",
				format->name, format->key);
		return check_as(format, file, &signature, &payload, committed_sec, signer, err);
	}
	return refuse(err, "its signature is neither one of SSH nor one of OpenPGP");
}
