"""Pages of the room: read the request, ask the policy, show or act."""
