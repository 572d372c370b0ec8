/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/acceptance.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/memory.h"

enum { REMEMBERED_MOST = 256 };

/* Which content of FILE an answer was given from. */
static void add_file(struct text *key, const char *file)
{
	struct stat status;

	if (!file || stat(file, &status) < 0) {
		text_add(key, " -");
		return;
	}
	text_addf(key, " %s %llu %llu %lld %lld.%09ld %lld.%09ld", file,
		(unsigned long long)status.st_dev, (unsigned long long)status.st_ino,
		(long long)status.st_size, (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
		(long long)status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
}

int acceptance_check(
	struct repository *repository, const struct object_id *commit, struct error *err)
{
	struct map *known = &repository->head->acceptances;
	CLEANUP(text_clear) struct text key = {0};
	autofree char *signer = NULL;
	char hex[OBJECT_ID_HEX_SIZE];

	if (!repository->configured || !signature_rules_ask(&repository->configured->verify))
		return 1;
	const struct signature_rules *rules = &repository->configured->verify;
	text_add(&key, object_id_hex(commit, hex));
	add_file(&key, rules->ssh_allowed_signers_file);
	add_file(&key, rules->openpgp_keyring_file);
	const char *remembered = map_find(known, text_get(&key));
	if (!remembered) {
		int good = signature_check(repository->source, commit, rules, &signer, err);
		if (good < 0)
			return fail_while(err, "the signature of commit %.12s", hex);
		if (known->count >= REMEMBERED_MOST)
			map_clear(known);
		known->free_value = free;
		map_set(known, text_get(&key), memory_copy_text(good ? "" : err->text));
		remembered = map_find(known, text_get(&key));
	}
	if (!*remembered)
		return 1;
	error_set(err, ERROR_CATALOG, "commit %.12s is not accepted: %s", hex, remembered);
	return 0;
}
