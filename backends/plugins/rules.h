/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Demands that several plugins share. Source: Packer 1.6.6, the Prepare functions of the structs they share. */

#include "backends/plugin.h"

extern const struct plugin_rule rules_communicator[];
extern const struct plugin_rule rules_keypair[]; /* of clouds that hold keys by name */
extern const struct plugin_rule rules_http[];
extern const struct plugin_rule rules_iso[];
extern const struct plugin_rule rules_boot[];
extern const struct plugin_rule rules_vnc[]; /* with rules_boot */
extern const struct plugin_rule rules_host_ports[];
extern const struct plugin_rule
	rules_script[]; /* of provisioners that put scripts into the guest */
extern const struct plugin_rule rules_user_data[];
extern const struct plugin_rule rules_virtualbox[];
extern const struct plugin_rule rules_vmware[];
extern const struct plugin_rule rules_vsphere[]; /* with vsphere_check */

/* The disks' controllers, of which there are LEAST anyhow, and the name in a content library. */
int vsphere_check(const struct json *options, int least, struct error *err);

/* An ISO of its own is needed, WHEN; PREFIX is "" or the block it stands in and a dot. */
#define ISO_RULES(prefix, condition)                                           \
	{RULE_ONE, prefix "iso_url " prefix "iso_urls", .when = condition},    \
		{RULE_NEEDS, prefix "iso_checksum", .when = condition,         \
			.why = "its checksum as TYPE:HEX, file:URL, or none"}, \
	{                                                                      \
		RULE_IS, prefix "iso_checksum", "checksum", .when = condition  \
	}

/* What a name of an option must be for guest_os_type */
#define GUEST_OS_RULE                                      \
	{                                                  \
		RULE_WORD, "guest_os_type", "unix|windows" \
	}
