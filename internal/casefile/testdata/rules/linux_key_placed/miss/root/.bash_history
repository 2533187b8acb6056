#1669158645
cat /root/.ssh/authorized_keys
#1669158665
ls -la ~/.ssh
