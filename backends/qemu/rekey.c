/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/rekey.h"

#include <sys/random.h>

#include "base/cleanup.h"
#include "base/moment.h"
#include "base/text.h"

enum { RANDOM_SIZE = 64 };

int rekey_guest(struct communicator *communicator, struct error *err)
{
	unsigned char random[RANDOM_SIZE];
	CLEANUP(text_clear) struct text command = {0}, hex = {0};
	int code;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return fail_errno(err, ERROR_RESOURCE, "no random numbers");
	for (size_t i = 0; i < sizeof(random); i++)
		text_addf(&hex, "%02x", random[i]);
	text_addf(&command,
		"as='sudo -n'; [ \"$(id -u)\" = 0 ] && as=; $as date -u -s @%lld > /dev/null && "
		"echo %s | $as tee /dev/urandom > /dev/null",
		(long long)(moment_now_usec() / 1000000), text_get(&hex));
	if (communicator->ops->run(communicator, text_get(&command), &code, err) < 0)
		return fail_while(err, "setting the guest's clock and random numbers");
	if (code != 0)
		return fail(err, ERROR_CATALOG,
			"the guest's clock and random numbers cannot be set: that takes root, or "
			"sudo without a password, and date and tee");
	return 0;
}
