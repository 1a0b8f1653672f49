Setting.store('foreman_tasks_proxy_batch_size', '100') unless Setting.exists?(name: 'foreman_tasks_proxy_batch_size')
