/* SPDX-License-Identifier: Apache-2.0 */
#include "reconciler/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/text.h"

static bool parse_unix(const char *path, struct listen_address *address)
{
	struct sockaddr_un *socket = (struct sockaddr_un *)&address->socket;

	if (path[0] != '/' || strlen(path) >= sizeof(socket->sun_path))
		return false;
	*socket = (struct sockaddr_un){.sun_family = AF_UNIX};
	strcpy(socket->sun_path, path);
	address->size = sizeof(*socket);
	address->is_local = true;
	return true;
}

static bool parse_port(const char *text, in_port_t *port)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (!*text || strspn(text, "0123456789") != strlen(text) || number > 65535)
		return false;
	*port = htons((in_port_t)number);
	return true;
}

static bool parse_ipv4(const char *host, const char *port, struct listen_address *address)
{
	struct sockaddr_in *socket = (struct sockaddr_in *)&address->socket;

	*socket = (struct sockaddr_in){.sin_family = AF_INET};
	if (inet_pton(AF_INET, host, &socket->sin_addr) != 1 ||
		!parse_port(port, &socket->sin_port))
		return false;
	address->size = sizeof(*socket);
	address->is_local = ntohl(socket->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return true;
}

static bool parse_ipv6(const char *host, const char *port, struct listen_address *address)
{
	struct sockaddr_in6 *socket = (struct sockaddr_in6 *)&address->socket;

	*socket = (struct sockaddr_in6){.sin6_family = AF_INET6};
	if (inet_pton(AF_INET6, host, &socket->sin6_addr) != 1 ||
		!parse_port(port, &socket->sin6_port))
		return false;
	address->size = sizeof(*socket);
	address->is_local = IN6_IS_ADDR_LOOPBACK(&socket->sin6_addr);
	return true;
}

bool listen_address_parse(const char *text, struct listen_address *address)
{
	const char *colon = strrchr(text, ':');

	*address = (struct listen_address){0};
	if (text_starts_with(text, "unix:"))
		return parse_unix(text + strlen("unix:"), address);
	if (!colon)
		return false;
	autofree char *host = memory_copy_bytes(text, colon - text);
	size_t size = strlen(host);
	if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
		host[size - 1] = '\0';
		return parse_ipv6(host + 1, colon + 1, address);
	}
	return parse_ipv4(host, colon + 1, address);
}
