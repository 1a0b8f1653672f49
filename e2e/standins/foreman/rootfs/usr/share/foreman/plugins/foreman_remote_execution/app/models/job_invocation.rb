class JobInvocation < ApplicationRecord
  belongs_to :job_template
  validates :targeting_type, inclusion: { in: %w[static_query dynamic_query] }
  validates :search_query, presence: true

  def task
    ForemanTasks::Task.find_by(id: task_id)
  end

  def as_json(*)
    { id: id, job_template_id: job_template_id, job_template_name: job_template.name,
      targeting: { targeting_type: targeting_type, search_query: search_query }, inputs: inputs, created_at: created_at,
      task: { id: task_id, state: task&.state, result: task&.result }, status_label: task&.state == 'stopped' ? 'succeeded' : 'running' }
  end
end
