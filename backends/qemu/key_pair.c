/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/key_pair.h"

#include <string.h>

#include "backends/plugins/ssh_options.h"

int key_pair_make(
	struct job *job, const struct json *options, struct ssh_key *key, struct error *err)
{
	const char *type = json_get_text(options, "temporary_key_pair_type", "");
	struct digest seed;

	*key = (struct ssh_key){0};
	if (!ssh_options_want_key(options))
		return 0;
	if (!digest_parse(json_get_text(job->order, "key_seed", ""), &seed))
		return fail(err, ERROR_BROKEN, "the order has no key_seed");
	return ssh_key_derive(strcmp(type, "ecdsa") == 0 ? SSH_KEY_ECDSA : SSH_KEY_ED25519, &seed,
		ssh_options_key_name(options), key, err);
}
