"""What three users of a cloud see of some images, and which of these they can boot, by the standard OpenStack SDK.

usage: look.py MARK USER...                   the images with the tag MARK, as JSON
       look.py --start USER IMAGE            starts a server that stays; prints its ID
       look.py --end USER SERVER             deletes one and waits until it is gone

For each image, as the administrator knows it, whether each user's default list shows it, and whether that user can
start a server from its ID: the server must become ACTIVE, and is deleted again.
"""

import concurrent.futures
import json
import sys
import time

import openstack

NOBODY = (openstack.exceptions.BadRequestException, openstack.exceptions.NotFoundException, openstack.exceptions.ForbiddenException)


def images(connection, mark):
    """Every image that bears the mark, in whatever list it is."""
    found = {}
    for more in ({}, {"os_hidden": "true"}, {"visibility": "community"}, {"visibility": "community", "os_hidden": "true"}):
        for image in connection.image.images(tag=mark, **more):
            found[image.id] = image
    return sorted(found.values(), key=lambda image: (image.created_at, image.id))


def start(connection, name, image):
    """A server of a flavor that all clouds of the tests have, without a network."""
    flavor = connection.compute.find_flavor("tiny", ignore_missing=False)
    server = connection.compute.create_server(name=name, image_id=image, flavor_id=flavor.id, networks="none")
    return connection.compute.wait_for_server(server, interval=0.3, wait=120)


def end(connection, server):
    connection.compute.delete_server(server, ignore_missing=True)
    limit = time.monotonic() + 120
    while connection.compute.find_server(server, ignore_missing=True) is not None:
        if time.monotonic() > limit:
            sys.exit(f"server {server} is not gone after two minutes")
        time.sleep(0.2)


def boots(connection, name, image):
    try:
        server = start(connection, name, image)
    except NOBODY:
        return False
    end(connection, server.id)
    return True


def look(mark, users):
    connections = {user: openstack.connect(cloud=user) for user in users}
    known = images(connections[users[0]], mark)
    listed = {user: {image.id for image in connections[user].image.images()} for user in users}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tries = {
            (user, image.id): pool.submit(boots, openstack.connect(cloud=user), f"try-{mark}", image.id)
            for user in users[1:]
            for image in known
        }
        return [
            {
                "id": image.id,
                "name": image.name,
                "status": image.status,
                "visibility": image.visibility,
                "hidden": bool(image.is_hidden),
                "tags": sorted(image.tags),
                # As Glance says it: the SDK sorts properties by whether it knows them.
                "properties": connections[users[0]].image.get(f"/images/{image.id}").json(),
                "listed": [user for user in users if image.id in listed[user]],
                "boots": [user for user in users[1:] if tries[user, image.id].result()],
            }
            for image in known
        ]


def main(arguments):
    match arguments:
        case ["--start", user, image]:
            print(json.dumps(start(openstack.connect(cloud=user), "stays", image).id))
        case ["--end", user, server]:
            end(openstack.connect(cloud=user), server)
            print("null")
        case [mark, *users] if users:
            print(json.dumps(look(mark, users)))
        case _:
            sys.exit(__doc__)


main(sys.argv[1:])
