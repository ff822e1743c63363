"""附件: where their bytes lie, who may see them, how they are sent. What may be attached at all: common/files."""
