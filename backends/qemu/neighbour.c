/* SPDX-License-Identifier: Apache-2.0 */
#include "backends/qemu/neighbour.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { ANSWER_SIZE = 32 * 1024 };

struct request {
	struct nlmsghdr head;
	struct ndmsg about;
	char attributes[64];
};

/* One entry of the table. */
struct entry {
	int state;
	struct in_addr address;
	uint32_t confirmed; /* ticks ago */
};

typedef void visit_entry(void *context, const struct entry *entry);

bool neighbour_read_mac(const char *text, unsigned char mac[static MAC_SIZE])
{
	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1], &mac[2],
		       &mac[3], &mac[4], &mac[5]) == MAC_SIZE;
}

/* The entry that HEAD is about, if it is that of a card called MAC. */
static bool read_entry(const struct nlmsghdr *head, unsigned interface, const unsigned char *mac,
	struct entry *entry)
{
	const struct ndmsg *about = NLMSG_DATA(head);
	int left = (int)(head->nlmsg_len - NLMSG_LENGTH(sizeof(*about)));
	bool is_it = false, has_address = false;

	if (head->nlmsg_type != RTM_NEWNEIGH || left < 0 || about->ndm_family != AF_INET ||
		(unsigned)about->ndm_ifindex != interface)
		return false;
	*entry = (struct entry){.state = about->ndm_state, .confirmed = UINT32_MAX};
	for (const struct rtattr *attribute = (const struct rtattr *)(about + 1);
		RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		const void *value = RTA_DATA(attribute);
		size_t size = RTA_PAYLOAD(attribute);
		struct nda_cacheinfo times;
		if (attribute->rta_type == NDA_LLADDR && size == MAC_SIZE)
			is_it = memcmp(value, mac, MAC_SIZE) == 0;
		if (attribute->rta_type == NDA_DST && size == sizeof(entry->address)) {
			memcpy(&entry->address, value, size);
			has_address = true;
		}
		if (attribute->rta_type == NDA_CACHEINFO && size >= sizeof(times)) {
			memcpy(&times, value, sizeof(times));
			entry->confirmed = times.ndm_confirmed;
		}
	}
	return is_it && has_address;
}

/* The whole table, each entry of the card visited. */
static int each_entry(int fd, unsigned interface, const unsigned char *mac, visit_entry *visit,
	void *context, struct error *err)
{
	struct request request = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)),
					  .nlmsg_type = RTM_GETNEIGH,
					  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.about = {.ndm_family = AF_INET}};
	_Alignas(struct nlmsghdr) char answer[ANSWER_SIZE];

	if (send(fd, &request, request.head.nlmsg_len, 0) < 0)
		return fail_errno(err, ERROR_BROKEN, "the kernel's table of neighbours");
	for (;;) {
		ssize_t got = recv(fd, answer, sizeof(answer), 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return fail_errno(err, ERROR_BROKEN, "the kernel's table of neighbours");
		unsigned left = (unsigned)got;
		for (const struct nlmsghdr *head = (const struct nlmsghdr *)answer;
			NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
			struct entry entry;
			if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR)
				return 0;
			if (read_entry(head, interface, mac, &entry))
				visit(context, &entry);
		}
	}
}

static int open_table(const char *name, unsigned *interface, struct error *err)
{
	*interface = if_nametoindex(name);
	if (!*interface)
		return fail(err, ERROR_CATALOG, "there is no network interface %s here", name);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return fd < 0 ? fail_errno(err, ERROR_BROKEN, "the kernel's table of neighbours") : fd;
}

/* ---- finding ---- */

static void keep_latest(void *context, const struct entry *entry)
{
	struct entry *best = context;

	if (entry->state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NONE))
		return;
	if (!best->address.s_addr || entry->confirmed < best->confirmed)
		*best = *entry;
}

int neighbour_find(const char *interface, const unsigned char mac[static MAC_SIZE],
	char address[static NEIGHBOUR_ADDRESS_SIZE], struct error *err)
{
	struct entry best = {0};
	unsigned index;
	autoclose int fd = open_table(interface, &index, err);

	if (fd < 0 || each_entry(fd, index, mac, keep_latest, &best, err) < 0)
		return -1;
	if (!best.address.s_addr)
		return 0;
	inet_ntop(AF_INET, &best.address, address, NEIGHBOUR_ADDRESS_SIZE);
	return 1;
}

/* ---- forgetting ---- */

struct forgetting {
	unsigned interface;
	struct in_addr addresses[64];
	size_t count;
};

static void note_address(void *context, const struct entry *entry)
{
	struct forgetting *forgetting = context;

	if (forgetting->count < sizeof(forgetting->addresses) / sizeof(*forgetting->addresses))
		forgetting->addresses[forgetting->count++] = entry->address;
}

static void remove_entry(int fd, unsigned interface, struct in_addr address)
{
	struct request request = {
		.head = {.nlmsg_type = RTM_DELNEIGH, .nlmsg_flags = NLM_F_REQUEST},
		.about = {.ndm_family = AF_INET, .ndm_ifindex = (int)interface}};
	struct rtattr *attribute = (struct rtattr *)request.attributes;

	attribute->rta_type = NDA_DST;
	attribute->rta_len = RTA_LENGTH(sizeof(address));
	memcpy(RTA_DATA(attribute), &address, sizeof(address));
	request.head.nlmsg_len = NLMSG_LENGTH(sizeof(struct ndmsg)) + attribute->rta_len;
	send(fd, &request, request.head.nlmsg_len, 0);
}

void neighbour_forget(const char *interface, const unsigned char mac[static MAC_SIZE])
{
	struct forgetting forgetting = {0};
	struct error ignored;
	autoclose int fd = open_table(interface, &forgetting.interface, &ignored);

	if (fd < 0 ||
		each_entry(fd, forgetting.interface, mac, note_address, &forgetting, &ignored) < 0)
		return;
	for (size_t i = 0; i < forgetting.count; i++)
		remove_entry(fd, forgetting.interface, forgetting.addresses[i]);
}
