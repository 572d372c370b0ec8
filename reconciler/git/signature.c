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

enum { PRINCIPALS_MOST = 16, SHOWN_MOST = 200, ARGUMENTS_MOST = 16 };

/* Descriptor 3 of the programs; what they open anew has its own place to read from. */
#define SIGNATURE_PATH "/proc/self/fd/3"

/* What the program that runs, or is to run, is asked. */
struct question {
	const char *package; /* that has it */
	const char *arguments[ARGUMENTS_MOST];
	int (*read)(struct signature_check *check, int code, struct error *err);
};

struct signature_check {
	char *file; /* of the rules */
	int signature, payload;
	int64_t committed_sec;
	char when[64]; /* that, for ssh-keygen */
	struct strings principals;
	size_t tried; /* of them */
	char *signer;
	struct question question;
	struct strings environment;
	struct text said; /* by the last program */
};

/* Why it is not accepted: an answer, not a failure. */
#define refuse(err, ...) (error_set((err), ERROR_CATALOG, __VA_ARGS__), SIGNATURE_REFUSED)

/* ---- programs ---- */

#define ask(check, ...) ((check)->question = (struct question){__VA_ARGS__}, SIGNATURE_ASKS)

int signature_program(
	struct signature_check *check, struct process_options *options, struct error *err)
{
	*options = (struct process_options)PROCESS_OPTIONS;
	options->arguments = check->question.arguments;
	options->environment = (const char *const *)check->environment.items;
	options->folder = "/";
	options->input = check->payload;
	options->extra = check->signature;
	if (lseek(check->payload, 0, SEEK_SET) < 0)
		return fail_errno(err, ERROR_BROKEN, "cannot read what is signed again");
	return 0;
}

int signature_ran(
	struct signature_check *check, int code, const struct text *said, struct error *err)
{
	const char *program = check->question.arguments[0];

	if (code == 127) /* what could not even be started ends so, too */
		return fail(err, ERROR_BROKEN, "checking signatures needs %s (package %s)", program,
			check->question.package);
	if (code > 128 && code <= 128 + SIGRTMAX) /* 255 is ssh-keygen's word for no */
		return fail(
			err, ERROR_TRANSIENT, "%s was killed by signal %d", program, code - 128);
	text_reset(&check->said);
	text_add_bytes(&check->said, text_get(said), said->size);
	return check->question.read(check, code, err);
}

/* SIZE bytes that came from strangers, for a message; the caller frees. */
static char *show(const char *bytes, size_t size)
{
	struct text shown = {0};

	text_add_c_escaped(&shown, bytes, size < SHOWN_MOST ? size : SHOWN_MOST, NULL);
	return text_take(&shown);
}

/* The first line that the last program said. */
static char *first_words(const struct signature_check *check)
{
	const char *text = text_get(&check->said);

	return show(text, strcspn(text, "\r\n"));
}

/* ---- SSH ---- */

/* Nobody's: does it fit at all, and what key is it then? That somebody has the key, but not for this, is another answer. */
static int read_explanation(struct signature_check *check, int code, struct error *err)
{
	char when[MOMENT_TEXT_SIZE];
	autofree char *said = first_words(check);
	const char *key = strstr(said, " with ");

	if (code || !key)
		return refuse(err, "its SSH signature does not fit it: %s", said);
	key += strlen(" with ");
	if (check->tried)
		return refuse(err, "it is signed with the %s, which %s does not allow for git", key,
			check->file);
	return refuse(err,
		"it is signed with the %s, which %s does not allow at the commit's time (%s)", key,
		check->file, moment_text(check->committed_sec * 1000000, when));
}

static int ask_next_principal(struct signature_check *check);

static int read_verification(struct signature_check *check, int code, struct error *err)
{
	const char *principal = check->principals.items[check->tried - 1];

	(void)err;
	if (code != 0)
		return ask_next_principal(check);
	check->signer = show(principal, strlen(principal));
	return SIGNATURE_ACCEPTED;
}

static int ask_next_principal(struct signature_check *check)
{
	if (check->tried >= check->principals.count || check->tried >= PRINCIPALS_MOST)
		return ask(check, "openssh-client",
			{"ssh-keygen", "-Y", "check-novalidate", "-n", "git", "-s", SIGNATURE_PATH},
			read_explanation);
	const char *principal = check->principals.items[check->tried++];
	return ask(check, "openssh-client",
		{"ssh-keygen", "-Y", "verify", "-n", "git", "-f", check->file, "-I", principal,
			"-s", SIGNATURE_PATH, check->when},
		read_verification);
}

/* Of whom the key is, at the commit's time. */
static int read_principals(struct signature_check *check, int code, struct error *err)
{
	CLEANUP(strings_clear) struct strings lines = {0};

	(void)err;
	if (code == 0)
		strings_split(&lines, text_get(&check->said), '\n');
	strings_each (line, &lines)
		if (*line)
			strings_add(&check->principals, line);
	return ask_next_principal(check);
}

static int begin_ssh(struct signature_check *check, struct error *err)
{
	time_t committed = check->committed_sec;
	struct tm parts;

	if (!gmtime_r(&committed, &parts) ||
		!strftime(check->when, sizeof(check->when), "-Overify-time=%Y%m%d%H%M%SZ", &parts))
		return refuse(err, "its committer's time is none");
	return ask(check, "openssh-client",
		{"ssh-keygen", "-Y", "find-principals", "-f", check->file, "-s", SIGNATURE_PATH,
			check->when},
		read_principals);
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

static int read_verdict(struct signature_check *check, int code, struct error *err)
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
	check->signer = TAKE(who);
	return SIGNATURE_ACCEPTED;
}

static int begin_openpgp(struct signature_check *check, struct error *err)
{
	static const char armor[] = "-----BEGIN";
	char begin[sizeof(armor) - 1];
	autoclose int keyring = open(check->file, O_RDONLY | O_CLOEXEC);

	if (keyring >= 0 && read(keyring, begin, sizeof(begin)) == sizeof(begin) &&
		memcmp(begin, armor, sizeof(begin)) == 0)
		return fail(err, ERROR_CATALOG,
			"%s is armored, which gpgv cannot read: export the keys without --armor",
			check->file);
	/* no home of its own: there is no other keyring, and no configuration */
	return ask(check, "gpgv",
		{"gpgv", "--homedir", "/nonexistent", "--log-file", "/dev/null", "--status-fd", "1",
			"--keyring", check->file, SIGNATURE_PATH, "-"},
		read_verdict);
}

/* ---- the whole ---- */

static const struct format {
	const char *name, *begin_line, *key; /* key: of the rules */
	size_t file;
	int (*begin)(struct signature_check *check, struct error *err);
} formats[] = {
	{"SSH", "-----BEGIN SSH SIGNATURE-----", "ssh_allowed_signers_file",
		offsetof(struct signature_rules, ssh_allowed_signers_file), begin_ssh},
	{"OpenPGP", "-----BEGIN PGP SIGNATURE-----", "openpgp_keyring_file",
		offsetof(struct signature_rules, openpgp_keyring_file), begin_openpgp},
};

static void add_environment(struct signature_check *check)
{
	const char *path = getenv("PATH"), *zone = getenv("TZ");

	strings_add_taken(
		&check->environment, memory_printf("PATH=%s", path ? path : "/usr/bin:/bin"));
	strings_add(&check->environment, "LC_ALL=C");
	/* times in an allowed_signers file are the machine's */
	if (zone)
		strings_add_taken(&check->environment, memory_printf("TZ=%s", zone));
	strings_add_taken(&check->environment, NULL);
}

static int begin_as(const struct format *format, const char *file, const struct text *signature,
	const struct text *payload, struct signature_check *check, struct error *err)
{
	check->file = memory_copy_text(file);
	check->signature = memfd_create("signature", MFD_CLOEXEC);
	check->payload = memfd_create("payload", MFD_CLOEXEC);
	if (check->signature < 0 || check->payload < 0)
		return fail_errno(err, ERROR_RESOURCE, "no memory for a file");
	if (access(file, R_OK) < 0)
		return fail_errno(
			err, ERROR_CATALOG, "%s of repositories[].verify: %s", format->key, file);
	if (file_write_all(check->signature, signature->data, signature->size, err) < 0 ||
		file_write_all(check->payload, payload->data, payload->size, err) < 0)
		return -1;
	add_environment(check);
	return format->begin(check, err);
}

int signature_begin(struct source *source, const struct object_id *commit,
	const struct signature_rules *rules, struct signature_check **check, struct error *err)
{
	CLEANUP(text_clear) struct text signature = {0}, payload = {0};
	CLEANUP(signature_check_freep) struct signature_check *made = memory_new(sizeof(*made));

	*made = (struct signature_check){.signature = -1, .payload = -1};
	int is_signed = source_read_signature(
		source, commit, &signature, &payload, &made->committed_sec, err);
	if (is_signed < 0)
		return err->kind == ERROR_CATALOG ? SIGNATURE_REFUSED : -1;
	if (!is_signed)
		return refuse(err, "it is not signed");
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		const struct format *format = &formats[i];
		const char *file = *(char *const *)((const char *)rules + format->file);
		if (!text_starts_with(text_get(&signature), format->begin_line))
			continue;
		if (!file)
			return refuse(err,
				"it is signed with %s, and repositories[].verify has no %s",
				format->name, format->key);
		int state = begin_as(format, file, &signature, &payload, made, err);
		if (state == SIGNATURE_ASKS)
			*check = TAKE(made);
		return state;
	}
	return refuse(err, "its signature is neither one of SSH nor one of OpenPGP");
}

const char *signature_signer(const struct signature_check *check)
{
	return check->signer;
}

void signature_check_free(struct signature_check *check)
{
	if (!check)
		return;
	cleanup_close(&check->signature);
	cleanup_close(&check->payload);
	strings_clear(&check->principals);
	strings_clear(&check->environment);
	text_clear(&check->said);
	free(check->signer);
	free(check->file);
	free(check);
}
