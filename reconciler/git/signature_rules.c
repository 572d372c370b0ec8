/* SPDX-License-Identifier: Apache-2.0 */
/* Apart from the check itself: who reads the configuration alone need not link libgit2. */
#include "reconciler/git/signature.h"

#include <stdlib.h>

void signature_rules_clear(struct signature_rules *rules)
{
	free(rules->ssh_allowed_signers_file);
	free(rules->openpgp_keyring_file);
	*rules = (struct signature_rules){0};
}

bool signature_rules_ask(const struct signature_rules *rules)
{
	return rules->ssh_allowed_signers_file || rules->openpgp_keyring_file;
}
