#1669158582
echo "ssh-ed25519 AAAAC3Nz root@x" >> /root/.ssh/authorized_keys
