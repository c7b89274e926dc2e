"""What `callengine doctor` looks at: each check gives findings, pure rules judge what was seen."""
