#1669158582
cat /root/.ssh/authorized_keys
#1669158602
ls -la ~/.ssh
